package ggroup_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/weirgo/weir/ggroup"
)

func Example() {
	infer := ggroup.New("infer", ggroup.WithClass(ggroup.Latency))
	logs := ggroup.New("logs", ggroup.WithClass(ggroup.Background))
	for _, missing := range infer.Stats().NotInEffect {
		log.Printf("group infer: %s: %s", missing.Option, missing.Why) // on stock Go
	}
	lines, answer := make(chan string, 10), make(chan string)
	ggroup.BindTo(logs, func() { fmt.Println(<-lines, "written by", ggroup.Current()) })
	ggroup.BindTo(infer, func() { answer <- "served by " + ggroup.Current().Name() })
	lines <- <-answer
	logs.Shutdown(context.Background()) // waits for the group's goroutines
	// Output: served by infer written by logs
}

func ExampleGroup_Do() {
	monitor := ggroup.New("monitor", ggroup.WithClass(ggroup.Background))
	defer monitor.Close()
	monitor.Do(func() { fmt.Println("inside:", ggroup.Current()) })
	fmt.Println("outside:", ggroup.Current() == nil)
	// Output:
	// inside: monitor
	// outside: true
}

// TestGuideShowsTheExample as it is above.
func TestGuideShowsTheExample(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("GUIDE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "func Example() {")
	body, _, found := strings.Cut(body, "\n\t// Output")
	if !found {
		t.Fatal("no example with an output in example_test.go")
	}
	if want := "```go" + strings.ReplaceAll(body, "\n\t", "\n") + "\n```\n"; !strings.Contains(string(guide), want) {
		t.Errorf("GUIDE.md does not show the example:\n%s", want)
	}
}
