// Observability serves the metrics of an Agent that calls a bad service, for a
// Prometheus to scrape and the dashboard and the alerts in this folder to show.
//
//	go run ./examples/observability             # http://localhost:9464/metrics, until interrupted
//	prometheus --config.file=prometheus.yml     # in this folder
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/examples/internal/drill"
	"github.com/safetrip-go/safetrip/telemetry"
	"github.com/safetrip-go/safetrip/transport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program. It returns its exit code: 2 for wrong flags, 1 if it
// could not do its work.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("observability", flag.ContinueOnError)
	f.SetOutput(stderr)
	listen := f.String("listen", "localhost:9464", "serve metrics on this `host:port`")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := serve(ctx, *listen, stdout); err != nil {
		fmt.Fprintln(stderr, "observability:", err)
		return 1
	}
	return 0
}

// serve makes calls, and shows their metrics, until ctx is over.
func serve(ctx context.Context, address string, out io.Writer) error {
	metrics, handler, err := newMetrics()
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", handler)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }() // until ctx is over

	fmt.Fprintf(out, "metrics     http://%s/metrics   (interrupt to end)\n", l.Addr())
	err = call(ctx, metrics)
	server.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return errors.Join(err, metrics.Shutdown(context.WithoutCancel(ctx)))
}

// newMetrics returns a provider and what serves its metrics to Prometheus. It
// is all that a program does for metrics: the kit takes the provider, or finds
// the global one. OpenMetrics is the format that has exemplars.
func newMetrics() (*metric.MeterProvider, http.Handler, error) {
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	if err != nil {
		return nil, nil, err
	}
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	return metric.NewMeterProvider(metric.WithReader(reader)), handler, nil
}

// call makes the quickstart's calls, again and again.
func call(ctx context.Context, metrics *metric.MeterProvider) error {
	up, err := drill.NewUpstream(ctx, 1, nil)
	if err != nil {
		return err
	}
	defer up.Close()
	const patience = 2 * time.Second
	// What an Agent does by itself where nobody sets OnChange.
	changes := telemetry.CircuitChanges(metrics)
	cfg := drill.Config(patience, func(c transport.Change) { changes(c) })
	cfg.Call.MeterProvider, cfg.Attempt.MeterProvider = metrics, metrics
	agent, err := safetrip.New("observability", cfg)
	if err != nil {
		return err
	}
	defer agent.Close()
	const calls = 450
	load := drill.Load{URL: up.URL, Paths: true, Calls: calls, Concurrency: 32, Gap: drill.Story / calls, Seed: 1}
	for ctx.Err() == nil {
		up.Start()
		load.Run(ctx, &http.Client{Timeout: patience, Transport: agent.Transport()}, func(drill.End) {})
	}
	return nil
}
