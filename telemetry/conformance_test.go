package telemetry_test

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/safetrip-go/safetrip/internal/conventions"
)

// Everything that a test of this package records is held to the hand-typed
// tables when the test is over.
var table = func() *conventions.Table {
	t, err := conventions.Read("../testdata/telemetry")
	if err != nil {
		panic(err)
	}
	return t
}()

func checkSpan(t *testing.T, s sdktrace.ReadOnlySpan) {
	t.Helper()
	err := table.Span(conventions.Span{
		Name: s.Name(), Kind: s.SpanKind().String(), Attributes: s.Attributes(),
		Status: s.Status().Code, Description: s.Status().Description,
	})
	if err != nil {
		t.Error(err)
	}
	if schema := s.InstrumentationScope().SchemaURL; schema != "https://opentelemetry.io/schemas/1.43.0" {
		t.Errorf("span %s: schema is %s", s.Name(), schema)
	}
}

func checkCreation(t *testing.T, p sdktrace.SamplingParameters) {
	t.Helper()
	if err := table.Attributes("creation "+p.Kind.String(), p.Attributes, false); err != nil {
		t.Errorf("creation of %s: %v", p.Name, err)
	}
}

func checkMetric(t *testing.T, m metricdata.Metrics) {
	t.Helper()
	c := conventions.Metric{Name: m.Name, Description: m.Description, Unit: m.Unit}
	switch d := m.Data.(type) {
	case metricdata.Histogram[float64]:
		c.Instrument = "histogram"
		for _, p := range d.DataPoints {
			c.Series, c.Bounds = append(c.Series, p.Attributes), append(c.Bounds, p.Bounds)
		}
	case metricdata.Histogram[int64]:
		c.Instrument, c.Series = "histogram", setsOf(d.DataPoints, func(p metricdata.HistogramDataPoint[int64]) attribute.Set { return p.Attributes })
	case metricdata.Sum[int64]:
		c.Instrument, c.Series = "updowncounter", setsOf(d.DataPoints, func(p metricdata.DataPoint[int64]) attribute.Set { return p.Attributes })
		if d.IsMonotonic {
			c.Instrument = "counter"
		}
	case metricdata.Gauge[float64]:
		c.Instrument, c.Series = "gauge", setsOf(d.DataPoints, func(p metricdata.DataPoint[float64]) attribute.Set { return p.Attributes })
	}
	if err := table.Metric(c); err != nil {
		t.Error(err)
	}
}

func setsOf[P any](points []P, of func(P) attribute.Set) (sets []attribute.Set) {
	for _, p := range points {
		sets = append(sets, of(p))
	}
	return sets
}
