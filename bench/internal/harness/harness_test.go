package harness

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// childVariable makes the test binary act as an experiment's child.
const childVariable = "WEIR_HARNESS_TEST_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childVariable); role != "" {
		os.Exit(playChild(role))
	}
	os.Exit(m.Run())
}

// playChild behaves, or misbehaves, as a role says.
func playChild(role string) int {
	const good = `{"params":{"n":"3"},"measurements":{"time_ns":42}}`
	switch role {
	case "good":
		fmt.Println(good)
	case "fails":
		fmt.Fprintln(os.Stderr, "the engine is missing: run make engine")
		return 3
	case "hangs":
		fmt.Println(good)
		_ = syscall.Pause() // until it is killed
	case "leaves":
		// A grandchild that would run on; the child itself ends well.
		sleeper := exec.Command("sleep", "3600")
		if err := sleeper.Start(); err != nil {
			return 1
		}
		if err := os.WriteFile(os.Getenv("PID_FILE"), fmt.Append(nil, sleeper.Process.Pid), 0o600); err != nil {
			return 1
		}
		fmt.Println(good)
	case "floods":
		line := strings.Repeat("x", 1<<16)
		for range outputLimitBytes>>16 + 1 {
			fmt.Println(line)
		}
	case "silent":
	case "twice":
		fmt.Println(good, good)
	case "text":
		fmt.Println("all fine")
	case "nothing":
		fmt.Println(`{"params":{},"measurements":{}}`)
	case "environment":
		fmt.Printf(`{"params":{"gogc":%q,"own":%q},"measurements":{"ok":1}}`, os.Getenv("GOGC"), os.Getenv(childVariable))
	}
	return 0
}
