package batch

import "github.com/weirgo/weir/sched/mailbox"

// Follow announces a generation and returns its Poll with a wait before it:
// the caller sleeps in a feed of its own until there is something.
func Follow(g *Generation) (next func(dst []Result) (n int, err error)) {
	feed, entry := mailbox.NewFeed(), new(mailbox.Entry)
	entry.Init(feed, nil)
	g.Announce(entry)
	taken := make([]*mailbox.Entry, 0, 1)
	return func(dst []Result) (int, error) {
		for {
			if n, err := g.Poll(dst); n > 0 || err != nil {
				return n, err
			}
			feed.Wait()
			taken = feed.Take(taken[:0])
		}
	}
}
