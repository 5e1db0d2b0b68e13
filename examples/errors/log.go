package main

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// A counter counts lines of the log in place of printing them.
type counter struct{ n atomic.Int64 }

func (c *counter) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (c *counter) Handle(context.Context, slog.Record) error {
	c.n.Add(1)
	return nil
}

func (c *counter) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *counter) WithGroup(string) slog.Handler      { return c }
func (c *counter) lines() int64                       { return c.n.Load() }

// discard is for what a server says of handshakes that fail on purpose.
var discard = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
