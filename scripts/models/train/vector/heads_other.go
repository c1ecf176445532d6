//go:build !goexperiment.simd || !amd64

package vector

// Instructions names the instructions that this build uses here.
func Instructions() string { return "plain Go; build with GOEXPERIMENT=simd on amd64 to train" }

func plain() bool { return true }

func tileColumns() int { return mostColumns }

// tile is not called where plain is true.
func tile(int, []float32, []float32, []float32, int, bool) {}

func dotHead(*[lanes]float32, []float32, []float32) int           { return 0 }
func addHead(_, _ []float32) int                                  { return 0 }
func addScaledHead(_, _ []float32, _ float32) int                 { return 0 }
func multiplyScaledHead(_, _, _ []float32, _ float32) int         { return 0 }
func addProductHead(_, _, _ []float32, _ float32) int             { return 0 }
func scaleHead([]float32, float32) int                            { return 0 }
func greatestHead(*[lanes]float32, []float32) int                 { return 0 }
func expSumHead(_ *[lanes]float32, _ []float32, _, _ float32) int { return 0 }
func gateHead(_, _, _ []float32) int                              { return 0 }
func gateBackHead(_, _, _, _, _ []float32) int                    { return 0 }
func adamHead(_ *Adam, _, _, _, _ []float32) int                  { return 0 }
