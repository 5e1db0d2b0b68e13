package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// proxy returns the handler that passes everything on.
func proxy(o options, via http.RoundTripper, log *slog.Logger) http.Handler {
	status := cacheStatus{o.cache}
	p := &httputil.ReverseProxy{
		Transport: via, // the line that changes
		Rewrite: func(r *httputil.ProxyRequest) {
			query := r.In.URL.RawQuery // as it came: what it means is the upstream's business
			r.SetURL(o.upstream)
			r.Out.URL.RawQuery, r.Out.URL.ForceQuery = query, r.In.URL.ForceQuery
			r.Out.Trailer = r.In.Trailer // the very map: it is filled when the body has been read
			r.SetXForwarded()
			if o.keepHost {
				r.Out.Host = r.In.Host
			} else { // the cache does not tell names apart, so the upstream must not either
				r.Out.Header.Del("X-Forwarded-Host")
			}
			r.Out.Header.Add("Via", viaName(r.In)) // RFC 9110, section 7.6.3
		},
		FlushInterval:  -1, // at once
		ModifyResponse: status.forwarded,
		ErrorHandler:   status.failed,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		// An answer may begin before the request has ended: over HTTP/1, too. In
		// HTTP/2, where it always may, this is an error that says so.
		_ = http.NewResponseController(w).EnableFullDuplex()
		p.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), noteKey{}, new(note))))
	})
}

func viaName(r *http.Request) string {
	return strconv.Itoa(r.ProtoMajor) + "." + strconv.Itoa(r.ProtoMinor) + " safetrip-gateway"
}

// answerFor returns the status that tells a client of an upstream that gave no
// answer: RFC 9110, sections 15.6.3 to 15.6.5.
func answerFor(f *transport.Failure) int {
	switch f.Category {
	case transport.TimedOut:
		return http.StatusGatewayTimeout
	case transport.CircuitOpen:
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadGateway
	}
}

// failed answers a request that nobody could answer.
func (s cacheStatus) failed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the client has left, or the gateway is ending
	}
	f := transport.FailureOf(r, nil, err)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if wait := f.Verdict().Hint.After; f.Category == transport.CircuitOpen && wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
	if why := s.why(r); why != "" {
		h.Set("Cache-Status", "safetrip; fwd="+why+"; detail="+f.Category.String())
	}
	status := answerFor(f)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(http.StatusText(status) + "\n")) // a client that has gone is no affair of ours
}
