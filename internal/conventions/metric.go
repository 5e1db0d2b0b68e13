package conventions

import (
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
)

// A Metric is what there is to hold to the table.
type Metric struct {
	Name, Description string
	Instrument        string // counter, updowncounter, histogram or gauge
	Unit              string // UCUM
	Series            []attribute.Set
	Bounds            [][]float64 // of a histogram's series
}

// Metric returns what is wrong with a metric of the kit.
func (t *Table) Metric(m Metric) error {
	var faults faults
	if m.Description == "" {
		faults.add("it has no description")
	}
	if kit, ok := t.kit[m.Name]; ok {
		t.ofTheKit(m, kit, &faults)
		return about(m.Name, faults)
	}
	heading, ok := t.headings["metric "+m.Name]
	if !ok {
		faults.add("it is in no table")
		return about(m.Name, faults)
	}
	if heading[0] != m.Instrument || heading[1] != m.Unit {
		faults.add("it is a %s in %s, want %v", m.Instrument, m.Unit, heading[:2])
	}
	for _, bounds := range m.Bounds {
		if got := texts(bounds); len(heading) > 2 && !slices.Equal(got, heading[2:]) {
			faults.add("it has the buckets %v, want %v", got, heading[2:])
		}
	}
	for _, s := range m.Series {
		failed := s.HasValue("error.type")
		if code, _ := s.Value("http.response.status_code"); code.AsInt64() >= 400 && !failed {
			faults.add("status %d without error.type", code.AsInt64())
		}
		if err := t.Attributes("metric "+m.Name, s.ToSlice(), failed); err != nil {
			faults = append(faults, err)
		}
	}
	return about(m.Name, faults)
}

// ofTheKit holds m to its row: instrument, unit and all attributes.
func (t *Table) ofTheKit(m Metric, row []string, faults *faults) {
	if row[0] != m.Instrument || row[1] != m.Unit {
		faults.add("it is a %s in %s, want %v", m.Instrument, m.Unit, row[:2])
	}
	for _, s := range m.Series {
		for _, a := range s.ToSlice() {
			if !slices.Contains(row[2:], string(a.Key)) {
				faults.add("%s is not in the table", a.Key)
			}
		}
	}
}

func texts(numbers []float64) []string {
	var all []string
	for _, n := range numbers {
		all = append(all, strconv.FormatFloat(n, 'g', -1, 64))
	}
	return all
}
