package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/safetrip-go/safetrip/telemetry"
)

func TestLogsIsAHandler(t *testing.T) {
	var b bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		b.Reset()
		return telemetry.Logs(slog.NewJSONHandler(&b, nil))
	}, func(t *testing.T) map[string]any {
		t.Helper()
		return parse(t, b.Bytes())
	})
}

func TestLogsAddsIdsAtTheTop(t *testing.T) {
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	within := trace.ContextWithSpanContext(t.Context(), span)
	ids := map[string]any{"trace_id": span.TraceID().String(), "span_id": span.SpanID().String()}
	for _, c := range []struct {
		sentence string
		ctx      context.Context
		logger   func(*slog.Logger) *slog.Logger
		want     map[string]any
	}{
		{"a record without a span is left alone", t.Context(), func(l *slog.Logger) *slog.Logger { return l }, map[string]any{"a": "b"}},
		{"a record with one has ids", within, func(l *slog.Logger) *slog.Logger { return l }, map[string]any{"a": "b"}},
		{"beside other attributes", within, func(l *slog.Logger) *slog.Logger { return l.With("c", "d") }, map[string]any{"a": "b", "c": "d"}},
		{"outside of groups", within, func(l *slog.Logger) *slog.Logger { return l.With("c", "d").WithGroup("g").With("e", "f").WithGroup("") },
			map[string]any{"c": "d", "g": map[string]any{"a": "b", "e": "f"}}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			var b bytes.Buffer
			h := slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if groups == nil && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
					return slog.Attr{}
				}
				return a
			}})
			c.logger(slog.New(telemetry.Logs(h))).WarnContext(c.ctx, "m", "a", "b")
			if c.ctx == within {
				maps.Copy(c.want, ids)
			}
			if got := parse(t, b.Bytes()); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// A record may be handled more than once, as by a slog.MultiHandler, and its
// copies share memory.
func TestLogsDoesNotChangeTheRecord(t *testing.T) {
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	ctx := trace.ContextWithSpanContext(t.Context(), span)
	var b bytes.Buffer
	logger := slog.New(slog.NewMultiHandler(telemetry.Logs(slog.NewJSONHandler(&b, nil)), telemetry.Logs(slog.NewJSONHandler(&b, nil))))
	r := slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0)
	for k := range strings.SplitSeq("abcdefghij", "") {
		r.Add(k, 1)
	}
	h := telemetry.Logs(slog.NewJSONHandler(&b, nil))
	for range 2 {
		if err := h.Handle(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	logger.InfoContext(ctx, "m", "a", 1)
	if n := strings.Count(b.String(), `"trace_id"`); n != 4 || strings.Contains(b.String(), "BUG") {
		t.Errorf("ids %d times, want one in each of 4 lines:\n%s", n, b.String())
	}
}

func parse(t *testing.T, line []byte) map[string]any {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
