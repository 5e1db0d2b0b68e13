package safetrip

import (
	"fmt"
	"slices"
	"strings"
)

// A Part is a set of layers that [Config.Disable] can leave out. Deadline, Limit
// and Buffer have none: they are off unless they are set.
type Part uint

// The parts.
const (
	Telemetry Part = 1 << iota // spans and metrics
	Fallback                   // the ladder and the cache
	Recording                  // statistics and the log of failed calls
	Retry                      // further attempts
	Breaker                    // circuits
	Timeout                    // the limits on an attempt
	Health                     // background checks; Healthz says that nothing runs
)

// partNames has the parts in the order of their bits.
var partNames = []string{"telemetry", "fallback", "recording", "retry", "breaker", "timeout", "health"}

func (c *Config) on(p Part) bool { return c.Disable&p == 0 }

// String returns the names of the parts, such as "telemetry,retry".
func (p Part) String() string {
	var names []string
	for i, name := range partNames {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if rest := p >> len(partNames) << len(partNames); rest != 0 {
		names = append(names, fmt.Sprintf("Part(%#x)", uint(rest)))
	}
	return strings.Join(names, ",")
}

// MarshalText returns what String does.
func (p Part) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads names of parts with commas between them.
func (p *Part) UnmarshalText(text []byte) error {
	var parts Part
	for name := range strings.SplitSeq(string(text), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		i := slices.Index(partNames, name)
		if i < 0 {
			return fmt.Errorf("safetrip: there is no part %q; the parts are %s", name, strings.Join(partNames, ", "))
		}
		parts |= 1 << i
	}
	*p = parts
	return nil
}

func (p Part) validate() error {
	if p >= 1<<len(partNames) {
		return fmt.Errorf("safetrip: Config.Disable has unknown parts: %v", p)
	}
	return nil
}
