package safetrip_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/healthz"
	"github.com/safetrip-go/safetrip/transport"
)

func TestLoadJSON(t *testing.T) {
	cfg := safetrip.PresetLLM()
	err := cfg.LoadJSON(strings.NewReader(`{
		"retry":    {"max_attempts": 5, "jitter": "full", "retry_unsafe_on": [503], "budget": {"ratio": 0.1}},
		"breaker":  {"open_for": "30s", "rule": {"ratio": {"share": 0.3, "window": "20s"}}},
		"timeout":  {"idle": "90s"},
		"deadline": {"total": "2m"},
		"limit":    {"concurrency": 8},
		"cache":    {"serve_fresh": true, "credentials": ["X-Session"]},
		"health":   {"interval": "10s", "thresholds": {"error_rate": {"warning": 5, "critical": 20}}},
		"call":     {"max_hosts": 7},
		"disable":  "telemetry",
		"services": {"payments": {"hosts": ["pay.example.com"], "disable": "fallback"}}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	want := safetrip.PresetLLM()
	want.Retry.MaxAttempts, want.Retry.Jitter, want.Retry.RetryUnsafeOn = 5, transport.FullJitter, []int{503}
	want.Retry.Budget = &transport.Budget{Ratio: 0.1}
	want.Breaker = &transport.Breaker{OpenFor: 30 * time.Second, Rule: transport.Ratio{Share: 0.3, Window: 20 * time.Second}}
	want.Timeout.Idle = 90 * time.Second
	want.Deadline.Total = 2 * time.Minute
	want.Limit.Concurrency = 8
	want.Cache = &fallback.Cache{ServeFresh: true, Credentials: []string{"X-Session"}}
	want.Health = &healthz.Monitor{Interval: 10 * time.Second}
	want.Health.Thresholds.ErrorRate = healthz.Bounds{Warning: 5, Critical: 20}
	want.Call.MaxHosts = 7
	want.Disable = safetrip.Telemetry
	want.Services = map[string]safetrip.Config{"payments": {Hosts: []string{"pay.example.com"}, Disable: safetrip.Fallback}}
	for f := range reflect.TypeFor[safetrip.Config]().Fields() {
		got, want := reflect.ValueOf(cfg).FieldByIndex(f.Index), reflect.ValueOf(want).FieldByIndex(f.Index)
		if !reflect.DeepEqual(got.Interface(), want.Interface()) {
			t.Errorf("%s\n got %+v\nwant %+v", f.Name, got, want)
		}
	}
}

func TestLoadingNamesEveryFault(t *testing.T) {
	for _, tt := range []struct {
		name, document string
		want           []string
	}{
		{"unknown keys, with their lines", "{\n\"retry\": {\n\"max_atempts\": 3},\n\"brakes\": {}}", []string{
			"line 3: retry.max_atempts: unknown key, want one of base_delay", "line 4: brakes: unknown key",
		}},
		{"what is out of its bounds", `{"retry": {"max_delay": "-1s"}, "services": {"x y": {}}}`, []string{
			"Retry.MaxDelay is -1s", `Services["x y"]`,
		}},
		{"an unknown part", `{"disable": "brakes"}`, []string{`line 1: disable: safetrip: there is no part "brakes"`}},
		{"code", `{"base": {}, "classifier": "x"}`, []string{"base: unknown key", "classifier: unknown key"}},
		{"too much", `{` + strings.Repeat(" ", 1<<20) + `}`, []string{"more than 1048576 bytes"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := safetrip.PresetPayments()
			err := cfg.LoadJSON(strings.NewReader(tt.document))
			if err == nil {
				t.Fatal("no fault was found")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
			if cfg.Retry.MaxDelay != 0 || cfg.Services != nil {
				t.Errorf("the Config was changed: %+v", cfg)
			}
		})
	}
}

func TestADocumentThatIsNullChangesNothing(t *testing.T) {
	cfg := safetrip.PresetLLM()
	if err := cfg.LoadJSON(strings.NewReader(" null\n")); err != nil || cfg.Retry.MaxAttempts != safetrip.PresetLLM().Retry.MaxAttempts {
		t.Errorf("it is %+v, error %v", cfg, err)
	}
	if err := cfg.LoadJSON(strings.NewReader("")); err == nil {
		t.Error("a document with nothing in it is none")
	}
}

func TestAConfigCanBePartOfAFile(t *testing.T) {
	var file struct {
		Port     int
		Safetrip safetrip.Config
	}
	if err := json.Unmarshal([]byte(`{"Port": 80, "Safetrip": {"deadline": {"total": "5s"}}}`), &file); err != nil {
		t.Fatal(err)
	}
	if file.Port != 80 || file.Safetrip.Deadline.Total != 5*time.Second {
		t.Errorf("it is %+v", file)
	}
	if err := json.Unmarshal([]byte(`{"Safetrip": null}`), &file); err != nil || file.Safetrip.Deadline.Total != 5*time.Second {
		t.Errorf("after a null it is %+v, error %v", file, err)
	}
	err := json.Unmarshal([]byte("{\"Safetrip\": {\n\"deadline\": {\"totl\": 1}}}"), &file)
	if err == nil || !strings.Contains(err.Error(), "line 2: deadline.totl: unknown key") {
		t.Errorf("the error is %v", err)
	}
}

func TestLoadEnv(t *testing.T) {
	t.Setenv("BILLING_RETRY_MAX_ATTEMPTS", "5")
	t.Setenv("BILLING_BREAKER_RULE_RATIO_SHARE", "0.3")
	t.Setenv("BILLING_SERVICES_PAY_EU_HOSTS", "a.test,b.test")
	t.Setenv("BILLING_SERVICES_DB_TIMEOUT_HEADERS", "3s")
	cfg := safetrip.Config{Services: map[string]safetrip.Config{"pay-eu": safetrip.PresetReadOnly()}}
	if err := cfg.LoadEnv("BILLING"); err != nil {
		t.Fatal(err)
	}
	if cfg.Retry.MaxAttempts != 5 || cfg.Breaker.Rule != (transport.Ratio{Share: 0.3}) {
		t.Errorf("retry is %+v, the breaker's rule %+v", cfg.Retry, cfg.Breaker.Rule)
	}
	if got := cfg.Services["pay-eu"]; !reflect.DeepEqual(got.Hosts, []string{"a.test", "b.test"}) || got.Retry.MaxAttempts != 4 {
		t.Errorf("pay-eu is %+v", got)
	}
	if got := cfg.Services["db"].Timeout.Headers; got != 3*time.Second {
		t.Errorf("db's timeout is %v", got)
	}

	t.Setenv("BILLING_RETRY_MAX_ATEMPTS", "6")
	if err := cfg.LoadEnv("BILLING"); err == nil || !strings.Contains(err.Error(), "BILLING_RETRY_MAX_ATEMPTS: unknown setting") {
		t.Errorf("the error is %v", err)
	}
	for _, prefix := range []string{"", "BILLING_"} {
		if err := cfg.LoadEnv(prefix); err == nil || !strings.Contains(err.Error(), "prefix") {
			t.Errorf("with the prefix %q the error is %v", prefix, err)
		}
	}
}

func TestPresetsAreValid(t *testing.T) {
	for name, cfg := range map[string]safetrip.Config{
		"LLM": safetrip.PresetLLM(), "Payments": safetrip.PresetPayments(), "ReadOnly": safetrip.PresetReadOnly(),
	} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("Preset%s: %v", name, err)
		}
	}
}
