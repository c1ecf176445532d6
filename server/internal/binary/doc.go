// Package binary builds weir for the tests that run it as a process, as the
// Makefile builds it:
//
//	var weir string
//
//	func TestMain(m *testing.M) {
//		flag.Parse()
//		os.Exit(binary.Run(m, func(dir, path string) error {
//			weir = path
//			return nil
//		}))
//	}
//
// It needs the go command. Nothing outlives the tests.
package binary
