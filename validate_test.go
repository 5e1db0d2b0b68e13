package safetrip_test

import (
	"strings"
	"testing"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

func TestValidateNamesEveryFaultOfServices(t *testing.T) {
	err := safetrip.Config{
		Hosts:   []string{"a.test"},
		Disable: 1 << 30,
		Services: map[string]safetrip.Config{
			"Bad Name": {},
			"a":        {Hosts: []string{"x.test", "http://y.test", ""}, Retry: transport.Retry{MaxDelay: -1, RetryUnsafeOn: []int{200}}},
			"b":        {Hosts: []string{"X.test"}, Logger: quiet().Logger, Health: new(healthz.Monitor)},
			"c":        {Services: map[string]safetrip.Config{"d": {}}, Disable: safetrip.Health},
		},
	}.Validate()
	if err == nil {
		t.Fatal("no fault was found")
	}
	for line := range strings.Lines(err.Error()) {
		if strings.Contains(line, "Retry") && !strings.Contains(line, `Config.Services["a"]: `) {
			t.Errorf("the line does not say whose fault it is: %s", line)
		}
	}
	for _, want := range []string{
		"Config.Hosts is set", "Config.Disable has unknown parts: Part(0x40000000)",
		`Services["Bad Name"]: the name`,
		`its Hosts has "http://y.test"`, `its Hosts has ""`, "Retry.MaxDelay is -1ns",
		`its Hosts has "X.test", which is a host of "a"`, "its Logger is set", "its Health is set",
		"its Services is set", "its Disable has health",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestHostsOfServicesAreThoseThatURLsHave(t *testing.T) {
	for _, tt := range []struct {
		name, host string
		good       bool
	}{
		{"a name", "a.test", true},
		{"a name and a port", "a.test:8443", true},
		{"a name in capitals, with a dot at its end", "A.test.", true},
		{"an address", "127.0.0.1:80", true},
		{"an address of IPv6", "[::1]", true},
		{"the same and a port", "[::1]:80", true},
		{"an address of IPv6 without brackets", "::1", false},
		{"a pattern", "*.a.test", false},
		{"a URL", "https://a.test", false},
		{"a path", "a.test/v1", false},
		{"a user", "user:secret@a.test", false},
		{"a port alone", ":80", false},
		{"a port that is no number", "a.test:http", false},
		{"a dot", ".", false},
		{"a space", "a test", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := safetrip.Config{Services: map[string]safetrip.Config{"a": {Hosts: []string{tt.host}}}}.Validate()
			if (err == nil) != tt.good {
				t.Errorf("%q: the error is %v", tt.host, err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestTwoServicesCannotHaveOneHost(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		good       bool
	}{
		{"the same name", "x.test", "x.test", false},
		{"in capitals", "x.test", "X.Test", false},
		{"with a dot at its end", "x.test", "x.test.", false},
		{"with an empty port", "x.test", "x.test:", false},
		{"a name, and one port of it", "x.test", "x.test:8443", true},
		{"two ports", "x.test:8080", "x.test:8443", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := safetrip.Config{Services: map[string]safetrip.Config{"a": {Hosts: []string{tt.a}}, "b": {Hosts: []string{tt.b}}}}.Validate()
			if (err == nil) != tt.good {
				t.Errorf("%q and %q: the error is %v", tt.a, tt.b, err)
			}
		})
	}
}
