package transport

import (
	"log/slog"
	"net/http"

	"github.com/safetrip-go/safetrip/internal/layer"
)

// Record is the classification layer: it judges each call, counts it in Stats
// and logs what went wrong. It stands outside [Retry], so that it sees calls,
// not attempts, and inside the ladder, so that it sees what the service did and
// not what stood in for it.
type Record struct {
	// Stats counts. If nil, nothing is counted.
	Stats *Stats

	// Logger gets a line for each call that did not end well: low severity at
	// level Info, medium at Warn, the rest at Error; a caller's own cancel at
	// Debug. There are at most 10 lines a second for one operation and
	// category; the next one says how many were left out. If nil, nothing is
	// logged.
	Logger *slog.Logger

	// Classifier judges each call. If nil, it is Classify.
	Classifier Classifier
}

// Wrap returns next with its calls recorded.
func (r Record) Wrap(next http.RoundTripper) http.RoundTripper {
	if r.Stats != nil {
		r.Stats.init()
	}
	return &record{Layer: layer.Layer{Next: next}, Record: r, assess: assessorOf(r.Classifier)}
}

type record struct {
	layer.Layer
	Record
	assess  assessor
	limiter logLimiter
}

// broken is the verdict on a call that ended in a panic.
var broken = Verdict{Outcome: Failed, Category: System, Severity: High}

func (r *record) RoundTrip(req *http.Request) (*http.Response, error) {
	v := broken
	if r.Stats != nil {
		m := r.Stats.begin()
		defer func() { r.Stats.end(req, m, &v) }()
	}
	over := req.Context().Err() != nil
	resp, err := r.Send(req)
	if !over && r.assess.wentWell(resp, err) {
		v = answered
		return resp, nil
	}
	v = r.assess.classify(req, resp, err)
	if over {
		// It never left: that says nothing of the service.
		v.Outcome = Neutral
	}
	if v.Category != OK && r.Logger != nil {
		r.log(req, resp, err, v)
	}
	return resp, err
}

func (r *record) log(req *http.Request, resp *http.Response, err error, v Verdict) {
	op := operationOf(req)
	r.limiter.log(req.Context(), r.Logger, levelOf(v), lineKey{op, v.Category, "call failed"}, func() []slog.Attr {
		f := newFailure(req, resp, err, v)
		return []slog.Attr{
			slog.String("operation", f.Operation),
			slog.String("host", f.Host),
			slog.String("severity", v.Severity.String()),
			slog.String("category", v.Category.String()),
			slog.Bool("recoverable", v.Recoverable),
			slog.String("message", f.Message),
		}
	})
}

func levelOf(v Verdict) slog.Level {
	switch {
	case v.Category == Canceled:
		return slog.LevelDebug
	case v.Severity == Low:
		return slog.LevelInfo
	case v.Severity == Medium:
		return slog.LevelWarn
	}
	return slog.LevelError
}
