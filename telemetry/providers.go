package telemetry

import (
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// newMeter returns the meter of p, or of the global provider.
func newMeter(p metric.MeterProvider) *meter {
	if p == nil {
		p = otel.GetMeterProvider()
	}
	return &meter{Meter: p.Meter(ScopeName, metric.WithSchemaURL(SchemaURL))}
}

// A meter makes instruments and collects the errors of it, so that the maker
// of five looks at one.
type meter struct {
	metric.Meter
	errs []error
}

// err returns what went wrong so far, joined.
func (m *meter) err() error { return errors.Join(m.errs...) }

// report hands what went wrong to OpenTelemetry's error handler. An instrument
// that could not be made is one that does nothing; it fails no call.
func (m *meter) report() {
	if err := m.err(); err != nil {
		otel.Handle(err)
	}
}

func (m *meter) float64Histogram(name, unit, description string, buckets ...float64) metric.Float64Histogram {
	i, err := m.Float64Histogram(name, metric.WithUnit(unit), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(buckets...))
	return must(m, i, err, metric.Float64Histogram(noop.Float64Histogram{}))
}

func (m *meter) int64Histogram(name, unit, description string, options ...metric.Int64HistogramOption) metric.Int64Histogram {
	i, err := m.Int64Histogram(name, append(options, metric.WithUnit(unit), metric.WithDescription(description))...)
	return must(m, i, err, metric.Int64Histogram(noop.Int64Histogram{}))
}

func (m *meter) counter(name, unit, description string) metric.Int64Counter {
	i, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	return must(m, i, err, metric.Int64Counter(noop.Int64Counter{}))
}

func (m *meter) upDownCounter(name, unit, description string) metric.Int64UpDownCounter {
	i, err := m.Int64UpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	return must(m, i, err, metric.Int64UpDownCounter(noop.Int64UpDownCounter{}))
}

func must[I any](m *meter, made I, err error, instead I) I {
	if err != nil {
		m.errs = append(m.errs, err)
		return instead
	}
	return made
}
