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
			"a":        {Hosts: []string{"x.test", "http://y.test", ""}, Retry: transport.Retry{MaxDelay: -1}},
			"b":        {Hosts: []string{"X.test"}, Logger: quiet().Logger, Health: new(healthz.Monitor)},
			"c":        {Services: map[string]safetrip.Config{"d": {}}, Disable: safetrip.Health},
		},
	}.Validate()
	if err == nil {
		t.Fatal("no fault was found")
	}
	for _, want := range []string{
		"Config.Hosts is set", "Config.Disable is Part(0x40000000)",
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
