package healthz_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

// ask sends a probe, as the kubelet would.
func ask(h http.Handler, target string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	body, _ := io.ReadAll(w.Body)
	fmt.Fprintln(os.Stdout, w.Code, strings.TrimSpace(string(body)))
}

// run runs a Monitor until every check has run once.
func run(m *healthz.Monitor) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := m.Run(ctx); err != nil {
			fmt.Fprintln(os.Stdout, err)
		}
	}()
	for r := m.Report(); r.Reason != ""; r = m.Report() {
	}
	return func() { cancel(); <-ended }
}

// off leaves the machine's own checks out of the examples.
var off = healthz.Thresholds{CPU: healthz.Bounds{Warning: -1, Critical: -1}, Memory: healthz.Bounds{Warning: -1, Critical: -1}, Disk: healthz.Bounds{Warning: -1, Critical: -1}}

func ExampleMonitor() {
	breaker := func() []transport.Circuit { // a Breaker's States method
		return []transport.Circuit{{Key: "https://users.example", State: transport.Open}}
	}
	monitor := &healthz.Monitor{
		Name:       "billing",
		Thresholds: off,
		Sources:    healthz.Sources{Circuits: breaker},
		Checks:     []healthz.Check{healthz.Func("db", func(context.Context) error { return nil })},
		Detail:     func(*http.Request) bool { return true },
	}
	defer run(monitor)()

	mux := http.NewServeMux()
	mux.Handle("/healthz", monitor)
	mux.Handle("/livez", monitor)
	ask(mux, "/livez")
	ask(mux, "/healthz?verbose")
	// Output:
	// 200 ok
	// 503 [+]open_circuits ok: 1 circuit (threshold 1 circuit) (warning)
	// [-]service_availability failed: 0 % (threshold 80 %)
	// [+]db ok
	// healthz check failed
}

// A Monitor that nobody runs says so, rather than that all is well.
func ExampleMonitor_notRunning() {
	ask(&healthz.Monitor{Thresholds: off}, "/livez")
	// Output:
	// 503 not running: call Run
	// livez check failed
}

// What a check returns as an error may hold a secret. Its category is all that
// anybody sees, even those who may see details.
func ExampleFunc() {
	check := healthz.Func("mail", func(context.Context) error {
		return errors.New("535 authentication failed: user me, password hunter2")
	})
	check.WarnOnly = true
	monitor := &healthz.Monitor{Thresholds: off, Checks: []healthz.Check{check}, Detail: func(*http.Request) bool { return true }}
	defer run(monitor)()

	ask(monitor, "/healthz?verbose")
	// Output:
	// 200 [-]mail failed: business_logic (warning)
	// healthz check passed
}

// A check that measures says what it measured and what the bound is.
func ExampleCheck() {
	check := healthz.Check{
		Name: "queue_lag", Description: "Invoices that wait", Ready: true,
		Run: func(context.Context) healthz.Result {
			return healthz.Result{Status: healthz.Warning, Value: 120, Threshold: 100, Unit: "invoices"}
		},
	}
	monitor := &healthz.Monitor{Thresholds: off, Checks: []healthz.Check{check}, Detail: func(*http.Request) bool { return true }}
	defer run(monitor)()

	ask(monitor, "/readyz?verbose")
	ask(monitor, "/readyz/queue_lag")
	// Output:
	// 200 [+]queue_lag ok: 120 invoices (threshold 100 invoices) (warning)
	// readyz check passed
	// 200 ok
}

func ExampleHTTP() {
	server := httptest.NewServer(http.RedirectHandler("http://metadata.internal/", http.StatusFound))
	defer server.Close()
	check := healthz.HTTP{Name: "users", URL: server.URL}.Check()
	monitor := &healthz.Monitor{Thresholds: off, Checks: []healthz.Check{check}, Detail: func(*http.Request) bool { return true }}
	defer run(monitor)()

	ask(monitor, "/healthz/users")
	// Output:
	// 503 [-]users failed: business_logic: status 302, and redirects are not followed
	// healthz check failed
}

func ExampleTCP() {
	check := healthz.TCP{Name: "db", Address: "db.example:5432"}.Check()
	check.Live = true // it is not: a restart of this program mends no database
	err := (&healthz.Monitor{}).Add(check)
	fmt.Println(err)
	// Output:
	// healthz: check "db": Live must be false: it depends on something outside the program, which a restart does not mend
}

// An alert goes to a chat, through the kit's own transport.
func ExampleWebhook() {
	hook := healthz.Webhook{
		URL:    "https://chat.example/hooks/ops",
		Client: &http.Client{Transport: transport.Chain(nil, transport.Retry{}.Wrap)},
	}
	monitor := &healthz.Monitor{Alerts: healthz.Alerts{Sinks: []healthz.Sink{healthz.Log(nil), hook.Sink()}}}
	fmt.Println(monitor.Validate())
	// Output: <nil>
}
