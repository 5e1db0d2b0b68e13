package healthz

// Status is how something is doing. Statuses are ordered: the worst counts.
type Status uint8

// The statuses.
const (
	Healthy  Status = iota
	Warning         // somebody should look; a probe still answers 200
	Critical        // it does not work; a probe answers 503
)

// String returns healthy, warning or critical.
func (s Status) String() string {
	if int(s) < len(statuses) {
		return statuses[s]
	}
	return "unknown"
}

// MarshalText makes a status's word its JSON form.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var statuses = [...]string{Healthy: "healthy", Warning: "warning", Critical: "critical"}

// Bounds are the two values from which on something is a warning and critical.
// A value that reaches a bound counts as bad. In a field of this type, each of
// the two that is zero has the default that the field's comment says, and each
// that is negative is off.
type Bounds struct {
	Warning, Critical float64
}

func (b Bounds) or(d Bounds) Bounds {
	return Bounds{Warning: defaulted(b.Warning, d.Warning), Critical: defaulted(b.Critical, d.Critical)}
}

func (b Bounds) off() bool { return b.Warning < 0 && b.Critical < 0 }

// judge returns the status of a value that is worse the higher it is, and the
// bound to show beside it: the one that it reached, or else the first one that
// it could reach.
func (b Bounds) judge(v float64) (Status, float64) {
	switch {
	case b.Critical >= 0 && v >= b.Critical:
		return Critical, b.Critical
	case b.Warning < 0:
		return Healthy, b.Critical
	case v >= b.Warning:
		return Warning, b.Warning
	}
	return Healthy, b.Warning
}

// judgeFloor is judge for a value that is worse the lower it is. Here a value
// that is just the bound is still good: "at least 95 %".
func (b Bounds) judgeFloor(v float64) (Status, float64) {
	switch {
	case b.Critical >= 0 && v < b.Critical:
		return Critical, b.Critical
	case b.Warning < 0:
		return Healthy, b.Critical
	case v < b.Warning:
		return Warning, b.Warning
	}
	return Healthy, b.Warning
}

func defaulted[T int | float64](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}
