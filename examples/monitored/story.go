package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/healthz"
)

// A story is what happens to the program, told by its alerts.
type story struct {
	agent  *safetrip.Agent
	jobs   *queue
	alerts <-chan healthz.Alert
	out    io.Writer
}

// tell goes through the chapters. Each ends when the alerts that it leads to
// have come.
func (s *story) tell(ctx context.Context) error {
	for _, chapter := range []struct {
		title string
		do    func()
		until map[string]healthz.Status
	}{
		{"all is well", func() { s.mail(ctx, ten...) }, nil},
		{"jobs pile up", func() { s.jobs.waiting.Store(70) }, map[string]healthz.Status{
			"queue_length": healthz.Warning,
		}},
		{"and more of them", func() { s.jobs.waiting.Store(150) }, map[string]healthz.Status{
			"queue_length": healthz.Critical,
		}},
		{"they are worked off", func() { s.jobs.waiting.Store(3) }, map[string]healthz.Status{
			"queue_length": healthz.Healthy,
		}},
		{"the mail server goes down, and each mail fails in another way", func() { s.mail(ctx, outage...) }, map[string]healthz.Status{
			"open_circuits": healthz.Warning, "service_level": healthz.Critical, "consecutive_failures": healthz.Critical,
			"error_rate": healthz.Critical, "service_availability": healthz.Critical,
		}},
		{"it is back", func() { s.recover(ctx) }, map[string]healthz.Status{
			"open_circuits": healthz.Healthy, "service_level": healthz.Healthy, "consecutive_failures": healthz.Healthy,
			"service_availability": healthz.Healthy, // the error rate is that of the last minute
		}},
	} {
		fmt.Fprintf(s.out, "\n%s\n", chapter.title)
		chapter.do()
		if err := s.wait(ctx, chapter.until); err != nil {
			return err
		}
	}
	return s.show(ctx)
}

// ten are what becomes of mails while the server is well.
var ten = make([]error, 10)

// outage has what becomes of mails while the server goes down.
var outage = []error{
	os.ErrDeadlineExceeded,
	io.ErrUnexpectedEOF,
	&textproto.Error{Code: 421, Msg: "shutting down"},
	syscall.ECONNRESET,
	syscall.ECONNREFUSED,
}

// mail sends as many mails as there are results, each of which is what comes
// of one.
func (s *story) mail(ctx context.Context, results ...error) {
	for _, result := range results {
		_ = s.send(ctx, result) // the health page is where it shows
	}
}

func (s *story) send(ctx context.Context, result error) error {
	return s.agent.Service("mail").Do(ctx, "send mail", func(context.Context) error { return result })
}

// recover sends a mail now and then until one goes through.
func (s *story) recover(ctx context.Context) {
	for s.send(ctx, nil) != nil {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

// wait prints alerts until they have told of each check that it has come to a
// status.
func (s *story) wait(ctx context.Context, until map[string]healthz.Status) error {
	for len(until) > 0 {
		select {
		case a := <-s.alerts:
			fmt.Fprintf(s.out, "  alert: %s went from %v to %v: %s\n", a.Check, a.From, a.To, strings.Join(a.Reasons, ", "))
			if status, awaited := until[a.Check]; awaited && a.To == status {
				delete(until, a.Check)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Second):
			return fmt.Errorf("no alert came of %v", slices.Sorted(maps.Keys(until)))
		}
	}
	return nil
}

// show prints the report as a value, and what /healthz answers to each who asks.
func (s *story) show(ctx context.Context) error {
	r := s.agent.Report()
	fmt.Fprintf(s.out, "\nreport: %v; %d operations, %d of them failed, %d alerts\n  error_statistics %v\n",
		r.Status, r.Performance.Total, r.Performance.Failed, len(r.AlertLog), r.Errors)
	for _, accept := range []string{"application/json", "application/health+json", "text/plain", "text/html"} {
		w := httptest.NewRecorder()
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/healthz", nil)
		req.Header.Set("Accept", accept)
		s.agent.Healthz().ServeHTTP(w, req)
		if accept == "application/json" && !json.Valid(w.Body.Bytes()) {
			return errors.New("the report is no JSON")
		}
		line, err := bufio.NewReader(w.Body).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		fmt.Fprintf(s.out, "  %d %-24s %.60s\n", w.Code, accept, strings.TrimSpace(line))
	}
	return nil
}

// serve keeps the page up until ctx is over.
func (s *story) serve(ctx context.Context, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/healthz", s.agent.Healthz())
	mux.Handle("/healthz/", s.agent.Healthz())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	fmt.Fprintf(s.out, "\nhttp://%s/healthz   (interrupt to end)\n", l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
