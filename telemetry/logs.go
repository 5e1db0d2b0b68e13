package telemetry

import (
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"
)

// Logs returns a handler that adds trace_id and span_id to the records whose
// context has a span, and passes everything to h. With it, the line that says
// why an attempt failed leads to the trace that shows it. The two stand at the
// top of a record, outside of any group.
//
// It takes effect where a record is logged with a context, as with
// [slog.Logger.WarnContext]; the kit's own always are.
func Logs(h slog.Handler) slog.Handler { return &logs{Handler: h, root: h} }

type logs struct {
	slog.Handler // root with the changes made

	root    slog.Handler
	changes []func(slog.Handler) slog.Handler // WithAttrs and WithGroup, from the first group on
}

// Handle adds the ids. Inside a group it has to make the handler anew, so that
// they do not land in the group.
func (l *logs) Handle(ctx context.Context, r slog.Record) error {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return l.Handler.Handle(ctx, r)
	}
	ids := []slog.Attr{
		slog.String("trace_id", span.TraceID().String()),
		slog.String("span_id", span.SpanID().String()),
	}
	if len(l.changes) == 0 {
		r = r.Clone()
		r.AddAttrs(ids...)
		return l.Handler.Handle(ctx, r)
	}
	h := l.root.WithAttrs(ids)
	for _, change := range l.changes {
		h = change(h)
	}
	return h.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (l *logs) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(l.changes) == 0 {
		return Logs(l.root.WithAttrs(attrs))
	}
	return l.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements [slog.Handler].
func (l *logs) WithGroup(name string) slog.Handler {
	if name == "" {
		return l
	}
	return l.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (l *logs) with(change func(slog.Handler) slog.Handler) slog.Handler {
	return &logs{
		Handler: change(l.Handler),
		root:    l.root,
		changes: append(slices.Clip(l.changes), change),
	}
}
