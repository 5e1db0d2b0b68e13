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
	claimed := make(map[place]string)
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		for _, err := range faults(c.Services[name].validateAs(name, claimed)) {
			errs = append(errs, fmt.Errorf("safetrip: Config.Services[%q]: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// faults returns those that are joined in err, so that each can say whose it
// is.
func faults(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	var all []error
	for _, err := range joined.Unwrap() {
		all = append(all, faults(err)...)
	}
	return all
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

// validateAs is for a service. Claimed has whose the hosts are of those that
// were looked at before, and gets this one's.
func (c Config) validateAs(name string, claimed map[place]string) error {
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
		at, err := placeOf(host)
		switch other, taken := claimed[at]; {
		case err != nil:
			errs = append(errs, err)
		case taken:
			errs = append(errs, fmt.Errorf("its Hosts has %q, which is a host of %q", host, other))
		}
		claimed[at] = name
	}
	return errors.Join(errs...)
}

func isName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// placeOf reads a host of Hosts. What no URL has is a fault: it would leave the
// service without the calls that were meant.
func placeOf(host string) (place, error) {
	u, err := url.Parse("//" + host)
	if err == nil && u.Host == host && u.User == nil {
		at := place{hostname(u), u.Port()}
		bare := strings.Contains(at.host, ":") && host[0] != '[' // IPv6 without its brackets
		if at.host != "" && !bare && !strings.Contains(at.host, "*") {
			return at, nil
		}
	}
	host = host[strings.LastIndex(host, "@")+1:] // what is before may be secret
	return place{}, fmt.Errorf("its Hosts has %q; each must be the host of a URL, with a port or without, and no pattern", host)
}

// isZero reports whether a setting is left to its default.
func isZero(setting any) bool { return reflect.ValueOf(setting).IsZero() }
