package safetrip

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Validate returns an error that names every setting out of its bounds. [New]
// and [Agent.Reconfigure] return the same.
func (c Config) Validate() error {
	errs := []error{c.validate()}
	if c.Health != nil {
		errs = append(errs, c.Health.Validate())
	}
	if len(c.Hosts) > 0 {
		errs = append(errs, errors.New("safetrip: Config.Hosts is set; it is for the Config of one of the Services"))
	}
	serves := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		if err := c.Services[name].validateAs(name, serves); err != nil {
			errs = append(errs, fmt.Errorf("safetrip: Config.Services[%q]: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// validate is for what an Agent and a service have in common.
func (c Config) validate() error {
	errs := []error{
		c.Retry.Validate(), c.Limit.Validate(), c.Call.Validate(), c.Attempt.Validate(), c.Disable.validate(),
	}
	if c.Breaker != nil {
		errs = append(errs, c.Breaker.Validate())
	}
	if c.Cache != nil {
		errs = append(errs, c.Cache.Validate())
	}
	for i, s := range c.Steps {
		if s.Name == "" || s.Do == nil {
			errs = append(errs, fmt.Errorf("safetrip: Config.Steps[%d] must have a Name and a Do", i))
		}
	}
	return errors.Join(errs...)
}

// validateAs is for a service. Serves has the hosts of those that were looked
// at before.
func (c Config) validateAs(name string, serves map[string]string) error {
	errs := []error{c.validate()}
	if !isName(name) {
		errs = append(errs, errors.New("the name must have 1 to 64 lower-case letters, digits, '-', '_' and '.'"))
	}
	for _, f := range []struct {
		field string
		set   bool
	}{
		{"Logger", c.Logger != nil}, {"Health", c.Health != nil}, {"Services", len(c.Services) > 0},
	} {
		if f.set {
			errs = append(errs, fmt.Errorf("its %s is set, which is for the Agent alone", f.field))
		}
	}
	if !c.on(Health) {
		errs = append(errs, errors.New("its Disable has health; checks are the Agent's"))
	}
	for _, host := range c.Hosts {
		key, err := hostKey(host)
		switch other, taken := serves[key]; {
		case err != nil:
			errs = append(errs, err)
		case taken:
			errs = append(errs, fmt.Errorf("its Hosts has %q, which is a host of %q", host, other))
		}
		serves[key] = name
	}
	return errors.Join(errs...)
}

func isName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// hostKey returns how a host of Hosts stands in the table of routes.
func hostKey(host string) (string, error) {
	u, err := url.Parse("//" + host)
	if err != nil || host == "" || u.Host != host || u.User != nil {
		return "", fmt.Errorf("its Hosts has %q; it must have hosts, with a port or without", host)
	}
	if u.Port() == "" {
		host = u.Hostname()
	}
	return strings.ToLower(host), nil
}

// isZero reports whether a setting is left to its default.
func isZero(setting any) bool { return reflect.ValueOf(setting).IsZero() }
