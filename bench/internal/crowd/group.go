package crowd

import (
	"context"
	"time"

	"github.com/weirgo/weir/ggroup"
)

// shutdownLimit bounds the wait for goroutines that have nothing left to do.
const shutdownLimit = 30 * time.Second

// Shutdown closes a group whose goroutines are ending.
func Shutdown(group *ggroup.Group) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	return group.Shutdown(ctx)
}
