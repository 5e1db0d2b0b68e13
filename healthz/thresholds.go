package healthz

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
)

// Thresholds are the bounds of the built-in checks. Of each the zero value is
// the default that its comment says. A bound that is negative is off, and a
// check both of whose bounds are off is not there. A value that reaches a bound
// counts; for Availability a value below it.
type Thresholds struct {
	// ErrorRate bounds the share of calls that failed, of those in the window
	// of the traffic, in percent. If zero, 10 and 25.
	ErrorRate Bounds

	// ResponseTime bounds the 95th percentile of the response times in the
	// window, in seconds. If zero, 5 and 10.
	ResponseTime Bounds

	// MinCalls is the number of calls that must be in the window for its rate
	// and times to count. If zero, it is 10; if negative, it is 1.
	MinCalls int

	// ConsecutiveFailures bounds the failures in a row of any one operation.
	// If zero, 3 and 5.
	ConsecutiveFailures Bounds

	// OpenCircuits bounds the number of circuits that refuse calls. If zero, 1
	// and off.
	OpenCircuits Bounds

	// Availability bounds the share of services whose circuit lets calls pass,
	// in percent. If zero, 95 and 80.
	Availability Bounds

	// ServiceLevel bounds the worst level of any ladder: 0 is full, 1 is
	// degraded, 2 is offline. If zero, 1 and 2.
	ServiceLevel Bounds

	// CPU bounds the use of the processor since the run before, in percent of
	// what the container may use, or else of the machine. If zero, 80 and 90.
	CPU Bounds

	// Memory bounds the memory in use, in percent of the container's limit, or
	// else of the machine's. If zero, 80 and 90.
	Memory Bounds

	// Disk bounds the use of the file system at DiskPath, in percent. If zero,
	// 85 and 95.
	Disk Bounds

	// DiskPath is a path on the file system that matters. If empty, it is "/",
	// or C:\ on Windows.
	DiskPath string
}

func (t Thresholds) defaults() Thresholds {
	t.ErrorRate = t.ErrorRate.or(Bounds{10, 25})
	t.ResponseTime = t.ResponseTime.or(Bounds{5, 10})
	t.MinCalls = max(1, defaulted(t.MinCalls, 10))
	t.ConsecutiveFailures = t.ConsecutiveFailures.or(Bounds{3, 5})
	t.OpenCircuits = t.OpenCircuits.or(Bounds{1, -1})
	t.Availability = t.Availability.or(Bounds{95, 80})
	t.ServiceLevel = t.ServiceLevel.or(Bounds{1, 2})
	t.CPU = t.CPU.or(Bounds{80, 90})
	t.Memory = t.Memory.or(Bounds{80, 90})
	t.Disk = t.Disk.or(Bounds{85, 95})
	if t.DiskPath == "" {
		t.DiskPath = "/"
		if runtime.GOOS == "windows" {
			t.DiskPath = `C:\`
		}
	}
	return t
}

// validate joins all faults. It looks at the bounds with defaults filled in: a
// warning of 30 % beside the default 25 % is a mistake, too.
func (t Thresholds) validate() error {
	d := t.defaults()
	var errs []error
	order := func(name string, b Bounds) {
		if b.Warning >= 0 && b.Critical >= 0 && b.Warning > b.Critical {
			errs = append(errs, fmt.Errorf("healthz: Thresholds.%s: Warning must be at most Critical, %v, is %v", name, b.Critical, b.Warning))
		}
	}
	percent := func(name string, b Bounds) {
		if max(b.Warning, b.Critical) > 100 {
			errs = append(errs, fmt.Errorf("healthz: Thresholds.%s must be at most 100 %%, is %v", name, max(b.Warning, b.Critical)))
		}
	}
	order("ErrorRate", d.ErrorRate)
	order("ResponseTime", d.ResponseTime)
	order("ConsecutiveFailures", d.ConsecutiveFailures)
	order("OpenCircuits", d.OpenCircuits)
	order("ServiceLevel", d.ServiceLevel)
	order("CPU", d.CPU)
	order("Memory", d.Memory)
	order("Disk", d.Disk)
	percent("ErrorRate", d.ErrorRate)
	percent("Availability", d.Availability)
	percent("CPU", d.CPU)
	percent("Memory", d.Memory)
	percent("Disk", d.Disk)
	if a := d.Availability; a.Warning >= 0 && a.Critical >= 0 && a.Warning < a.Critical {
		errs = append(errs, fmt.Errorf("healthz: Thresholds.Availability: Warning must be at least Critical, %v, is %v", a.Critical, a.Warning))
	}
	return errors.Join(errs...)
}

// builtin returns the checks that need no more than the sources and the
// machine. The thresholds have their defaults.
func builtin(s Sources, t Thresholds) []Check {
	var checks []Check
	add := func(on bool, b Bounds, c Check) {
		if on && !b.off() {
			checks = append(checks, c)
		}
	}
	add(s.Traffic != nil, t.ErrorRate, errorRate(s.Traffic, t))
	add(s.Traffic != nil, t.ResponseTime, responseTime(s.Traffic, t))
	add(s.Traffic != nil, t.ConsecutiveFailures, consecutiveFailures(s.Traffic, t.ConsecutiveFailures))
	add(s.Circuits != nil, t.OpenCircuits, openCircuits(s.Circuits, t.OpenCircuits))
	add(s.Circuits != nil, t.Availability, availability(s.Circuits, t.Availability))
	add(s.Ladders != nil, t.ServiceLevel, serviceLevel(s.Ladders, t.ServiceLevel))
	return slices.Concat(checks, machine(t))
}
