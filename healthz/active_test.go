package healthz

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// category runs a check and says how it ended.
func category(t *testing.T, c Check) string {
	t.Helper()
	m := &Monitor{Thresholds: quiet}
	m.freeze()
	if err := m.Add(c); err != nil {
		t.Fatal(err)
	}
	e := (*m.entries.Load())[0]
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errTimeout)
	defer cancel()
	r := &run{m: m, ctx: ctx}
	var res Result
	r.call(ctx, e, &res)
	r.record(e, 0, res)
	return e.say(e.last.Load())
}

func TestHTTP(t *testing.T) {
	var elsewhere atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Store(true) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/teapot":
			w.WriteHeader(http.StatusTeapot)
		case "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/moved":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/stream":
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "/auth":
			if user, password, ok := r.BasicAuth(); !ok || user != "me" || password != "pw" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		case "/key":
			if r.Header.Get("X-Key") != "k" {
				w.WriteHeader(http.StatusForbidden)
			}
		}
	}))
	defer server.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, test := range []struct {
		what string
		http HTTP
		want string
	}{
		{"a service that answers", HTTP{URL: server.URL}, "ok"},
		{"one whose answer never ends", HTTP{URL: server.URL + "/stream"}, "ok"},
		{"one that is down", HTTP{URL: server.URL + "/down"}, "system: status 503"},
		{"one that redirects is not followed", HTTP{URL: server.URL + "/moved"}, "business_logic: status 302, and redirects are not followed"},
		{"one that must answer 418", HTTP{URL: server.URL + "/teapot", Status: 418}, "ok"},
		{"and answers 200", HTTP{URL: server.URL, Status: 418}, "business_logic: status 200"},
		{"userinfo is sent", HTTP{URL: strings.Replace(server.URL, "://", "://me:pw@", 1) + "/auth"}, "ok"},
		{"headers are sent", HTTP{URL: server.URL + "/key", Header: http.Header{"X-Key": {"k"}}}, "ok"},
		{"nobody is there", HTTP{URL: gone.URL}, "network"},
		{"a transport that returns nothing", HTTP{URL: server.URL, Transport: transport.Func(func(*http.Request) (*http.Response, error) { return nil, nil })}, "business_logic"},
	} {
		test.http.Name = "x"
		begin := time.Now()
		if got := category(t, test.http.Check()); got != test.want || time.Since(begin) > 4*time.Second {
			t.Errorf("%s: %s after %v, want %s", test.what, got, time.Since(begin), test.want)
		}
	}
	if elsewhere.Load() {
		t.Error("a redirect was followed")
	}
}

func TestDials(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp := TCP{Name: "x", Address: l.Addr().String()}.Check()
	if got := category(t, tcp); got != "ok" {
		t.Error(got)
	}
	_ = l.Close()
	if got := category(t, tcp); got != "network" {
		t.Error(got)
	}
	if got := category(t, DNS{Name: "x", Host: "localhost"}.Check()); got != "ok" {
		t.Error(got)
	}
	nowhere := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: io.ErrUnexpectedEOF}
	}}
	if got := category(t, DNS{Name: "x", Host: "users.example", Resolver: nowhere}.Check()); got != "network" {
		t.Error(got)
	}
}

func TestCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = slog.NewLogLogger(silent.Handler(), slog.LevelError)
	server.StartTLS()
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	left := time.Until(server.Certificate().NotAfter).Hours() / 24
	for _, test := range []struct {
		what string
		days Bounds
		cfg  *tls.Config
		want string
	}{
		{"one that is valid for long", Bounds{}, &tls.Config{RootCAs: pool}, amount(left, "days")},
		{"one that is not valid long enough", Bounds{Warning: left + 10}, &tls.Config{RootCAs: pool}, amount(left, "days") + " (threshold " + amount(left+10, "days") + ")"},
		{"one that nobody knows", Bounds{}, nil, "network"},
	} {
		if got := category(t, Certificate{Name: "x", Address: server.Listener.Addr().String(), Days: test.days, Config: test.cfg}.Check()); got != test.want {
			t.Errorf("%s: %s, want %s", test.what, got, test.want)
		}
	}
}

func TestWebhook(t *testing.T) {
	type got struct {
		header http.Header
		alert  map[string]any
	}
	calls := make(chan got, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g := got{header: r.Header}
		_ = json.NewDecoder(r.Body).Decode(&g.alert)
		calls <- g
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		case "/down":
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()
	var log bytes.Buffer
	hook := func(path string) Sink {
		return Webhook{URL: server.URL + path + "?token=" + secret, Header: http.Header{"Authorization": {"Bearer x"}},
			Logger: slog.New(slog.NewTextHandler(&log, nil))}.Sink()
	}
	hook("/")(t.Context(), Alert{Agent: "billing", Check: "db", To: Critical, Reasons: []string{"timeout"}})
	g := <-calls
	if g.header.Get("Content-Type") != "application/json" || g.header.Get("Authorization") != "Bearer x" ||
		g.alert["check_name"] != "db" || g.alert["to"] != "critical" || log.Len() > 0 {
		t.Errorf("%v %v, log %s", g.header, g.alert, log.String())
	}
	hook("/moved")(t.Context(), Alert{})
	hook("/down")(t.Context(), Alert{})
	server.Close()
	hook("/")(t.Context(), Alert{})
	if len(calls) != 2 {
		t.Errorf("%d calls, want 2: a redirect was followed", len(calls))
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], "system: status 502") || !strings.Contains(lines[2], "category=network") || strings.Contains(log.String(), secret) {
		t.Errorf("the log:\n%s", log.String())
	}
	if (Webhook{URL: "x"}).Validate() == nil {
		t.Error("no URL at all is valid")
	}
}

func TestAWebhookIsRetriedByTheKit(t *testing.T) {
	calls := 0
	keys := make(map[string]bool)
	base := transport.Func(func(r *http.Request) (*http.Response, error) {
		calls++
		keys[r.Header.Get("Idempotency-Key")] = true
		status := http.StatusServiceUnavailable
		if calls == 3 {
			status = http.StatusNoContent
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})
	client := &http.Client{Transport: transport.Retry{BaseDelay: time.Millisecond, MaxAttempts: 3}.Wrap(base)}
	var log bytes.Buffer
	Webhook{URL: "http://hook.example", Client: client, Logger: slog.New(slog.NewTextHandler(&log, nil))}.Sink()(t.Context(), Alert{})
	if calls != 3 || len(keys) != 1 || keys[""] || log.Len() > 0 {
		t.Errorf("%d calls with keys %v; %s", calls, keys, log.String())
	}
}
