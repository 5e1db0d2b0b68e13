package transport

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// However many operations there are, the table that counts their lines does not
// grow for ever.
func TestLogLimiterIsBoundedByKinds(t *testing.T) {
	var l logLimiter
	logger := slog.New(slog.DiscardHandler)
	logger = slog.New(enabled{logger.Handler()})
	for i := range 20_000 {
		l.log(t.Context(), logger, slog.LevelInfo, lineKey{op: operation{name: strings.Repeat("x", i%200) + string(rune(i))}}, func() []slog.Attr { return nil })
	}
	if n := l.kinds.Len(); n > 10_000 {
		t.Errorf("it keeps %d kinds", n)
	}
}

type enabled struct{ slog.Handler }

func (enabled) Enabled(context.Context, slog.Level) bool { return true }

func TestLogLimiterAfterAQuietWhile(t *testing.T) {
	var g gate
	var passed []int
	for i := range 25 {
		second := int64(1)
		if i >= 15 {
			second = 100
		}
		if left, ok := g.pass(second); ok {
			passed = append(passed, left)
		}
	}
	want := append(make([]int, 10), append([]int{5}, make([]int, 9)...)...)
	if !slices.Equal(passed, want) {
		t.Errorf("the lines told %v left out, want %v", passed, want)
	}
}
