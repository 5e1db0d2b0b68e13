package main

import (
	"encoding/json"
	"maps"
	"math"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestRulesAreWellFormedAndDoWhatTheySay(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "alerts.yml")
	promtool(t, "test", "rules", "alerts_test.yml")
	promtool(t, "check", "config", "prometheus.yml")
}

// A real Prometheus is asked what a load was, and has to say what services and
// callers counted themselves. Then it is asked what the dashboard asks.
func TestPrometheusHasTheNumbers(t *testing.T) {
	t.Parallel()
	find(t, "prometheus")
	metrics, handler, err := newMetrics()
	if err != nil {
		t.Fatal(err)
	}
	target := httptest.NewServer(handler)
	t.Cleanup(target.Close)
	p := startPrometheus(t, strings.TrimPrefix(target.URL, "http://"))

	spans := tracetest.NewSpanRecorder()
	l := &load{t: t, truth: newTruth(), metrics: metrics, traces: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))}
	// It takes its time to find its targets.
	eventually(t, "Prometheus scrapes", func() bool { return p.table(`up`, "job")["test"] == 1 })
	alarmed := watchAlerts(t, p)
	l.run(p.scraped)

	truth := l.truth
	for _, c := range []struct {
		expr   string
		labels []string
		want   map[string]int
	}{
		{`http_client_request_duration_seconds_count`, []string{"server_port", "http_response_status_code"}, truth.requests},
		{`http_client_request_duration_seconds_bucket{le="+Inf"}`, []string{"server_port", "http_response_status_code"}, truth.requests},
		{`sum(safetrip_call_duration_seconds_count)`, nil, map[string]int{"": truth.calls}},
		{`sum(safetrip_attempts_total)`, nil, map[string]int{"": sum(truth.requests)}},
		{`sum(safetrip_retries_total)`, nil, map[string]int{"": truth.retries}},
		{`safetrip_call_duration_seconds_count`, []string{"safetrip_source", "safetrip_level"}, truth.answers},
		{`safetrip_errors_total`, []string{"safetrip_category", "safetrip_severity"}, truth.failures},
		{`safetrip_gave_up_total`, []string{"safetrip_gave_up"}, truth.gaveUp},
		{`sum(safetrip_fallbacks_total)`, nil, map[string]int{"": truth.stepped}},
		{`sum(safetrip_circuit_rejected_total)`, nil, map[string]int{"": truth.refused}},
		{`safetrip_circuit_changes_total`, []string{"safetrip_circuit_state"}, truth.changes},
		{`sum(safetrip_call_active)`, nil, map[string]int{"": 0}},
		{`sum(safetrip_circuits)`, nil, map[string]int{"": 6}},
	} {
		var got map[string]int
		if !within(aWhile, func() bool {
			got = p.table(c.expr, c.labels...)
			return maps.Equal(got, c.want)
		}) {
			t.Errorf("%s: Prometheus has %v, in truth it was %v", c.expr, got, c.want)
		}
	}
	t.Logf("%d calls, %d requests, %d retries, %d refused", truth.calls, sum(truth.requests), truth.retries, truth.refused)

	for _, q := range dashboardQueries(t) {
		if !within(aWhile, func() bool { return hasData(p.query(q)) }) {
			t.Errorf("the dashboard asks in vain: %s", q)
		}
	}
	exemplarsLeadToTraces(t, p, spans)
	alarmed()
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// hasData reports whether there is a number among the samples.
func hasData(samples []sample) bool {
	return slices.ContainsFunc(samples, func(s sample) bool { return !math.IsNaN(s.value()) })
}

// dashboardQueries returns the expressions of all panels, and for each variable
// one that has its values, with the variables filled in as Grafana does.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Type, Definition string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$__rate_interval", "10m", "$job", ".*", "$agent", ".*")
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q asks nothing", p.Title)
		}
		for _, target := range p.Targets {
			queries = append(queries, fill.Replace(target.Expr))
		}
	}
	values := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			queries = append(queries, values.ReplaceAllString(v.Definition, `count by ($2) ($1{$2!=""})`))
		}
	}
	if len(queries) < 30 {
		t.Errorf("only %d queries were found in the dashboard", len(queries))
	}
	return queries
}

// exemplarsLeadToTraces looks up where the buckets of the duration point.
func exemplarsLeadToTraces(t *testing.T, p *server, spans *tracetest.SpanRecorder) {
	t.Helper()
	traces := map[string]bool{}
	for _, s := range spans.Ended() {
		traces[s.SpanContext().TraceID().String()] = true
	}
	var data []struct {
		Exemplars []struct{ Labels map[string]string }
	}
	err := p.ask("/api/v1/query_exemplars", url.Values{
		"query": {"http_client_request_duration_seconds_bucket"},
		"start": {time.Now().Add(-time.Minute).Format(time.RFC3339)}, "end": {time.Now().Add(time.Minute).Format(time.RFC3339)},
	}, &data)
	if err != nil {
		t.Error(err)
	}
	n := 0
	for _, series := range data {
		for _, e := range series.Exemplars {
			n++
			if !traces[e.Labels["trace_id"]] {
				t.Errorf("an exemplar leads to no trace: %v", e.Labels)
			}
		}
	}
	if n == 0 {
		t.Error("there are no exemplars")
	}
}

// watchAlerts notes which alerts come up during the load. What it returns waits
// for those that have not yet, and fails the test if one never does.
func watchAlerts(t *testing.T, p *server) (wait func()) {
	t.Helper()
	text, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	waiting := map[string]bool{}
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(text), -1) {
		waiting[m[1]] = true
	}
	stop, done := make(chan struct{}), make(chan struct{})
	look := func() {
		names, broken := p.active()
		for _, n := range names {
			delete(waiting, n)
		}
		for _, b := range broken {
			t.Error(b)
		}
	}
	go func() { // until wait is called
		defer close(done)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				look()
			}
		}
	}()
	end := func() {
		close(stop)
		<-done
	}
	t.Cleanup(func() {
		if end != nil {
			end()
		}
	})
	return func() {
		end()
		end = nil
		for deadline := time.Now().Add(aWhile); len(waiting) > 0 && time.Now().Before(deadline); look() {
			<-time.After(100 * time.Millisecond)
		}
		for name := range waiting {
			t.Errorf("the load was reason enough for the alert %s, which never came up", name)
		}
	}
}

// aWhile is long enough for a machine that has much else to do. On one, a
// scrape may take too long and fail; until the next one Prometheus has nothing.
const aWhile = time.Minute

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !within(aWhile, ok) {
		t.Fatalf("not within %v: %s", aWhile, what)
	}
}

// within reports whether ok comes true in time.
func within(d time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(d); !ok(); {
		if time.Now().After(deadline) {
			return false
		}
		<-time.After(50 * time.Millisecond)
	}
	return true
}
