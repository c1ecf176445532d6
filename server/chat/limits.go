package chat

import "github.com/weirgo/weir/server/chat/jinja"

// Limits bound what a template may be and do; see package jinja.
type Limits = jinja.Limits

// DefaultLimits are far above what published templates need.
func DefaultLimits() Limits { return jinja.DefaultLimits() }
