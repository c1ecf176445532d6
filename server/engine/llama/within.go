package llama

import "github.com/weirgo/weir/ggroup"

// within calls f with the goroutine in group; as it is if there is none, or it
// is closed.
func within(group *ggroup.Group, f func()) {
	if group == nil || group.Do(f) != nil { // then it has not called f
		f()
	}
}
