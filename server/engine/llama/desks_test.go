package llama

import (
	"testing"
	"testing/synctest"
)

// However many texts of the background wait, another has one of them in front of it.
func TestDesksOfTheBackground(t *testing.T) {
	for _, long := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d, err := newDesks(1, nil)
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan string, 16)
			text := func(name string, turns queueing) {
				go func() {
					desk, err := d.take(t.Context(), turns)
					if err != nil {
						t.Error(err)
						return
					}
					served <- name
					d.leave(desk, turns)
				}()
				synctest.Wait()
			}
			first, err := d.take(t.Context(), queueing{})
			if err != nil {
				t.Fatal(err)
			}
			for range 8 {
				text("background", queueing{long: long, behind: true})
			}
			text("other", queueing{})
			d.leave(first, queueing{})
			synctest.Wait()
			order := ""
			for range 9 {
				order += (<-served)[:1]
			}
			if order != "bobbbbbbb" {
				t.Errorf("long %v: served in the order %s", long, order)
			}
			d.close(cap(d.free))
			if len(d.long) != 0 || len(d.behind) != 0 {
				t.Errorf("%d and %d turns are taken", len(d.long), len(d.behind))
			}
		})
	}
}
