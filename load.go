package safetrip

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/safetrip-go/safetrip/internal/settings"
	"github.com/safetrip-go/safetrip/transport"
)

// maxDocument bounds what LoadJSON reads.
const maxDocument = 1 << 20

// variants are the structs that a file can name where a Config has an
// interface.
var variants = settings.Variants{
	reflect.TypeFor[transport.Rule](): {
		"leaky": reflect.TypeFor[transport.Leaky](),
		"ratio": reflect.TypeFor[transport.Ratio](),
		"slow":  reflect.TypeFor[transport.Slow](),
	},
}

// LoadJSON applies a JSON object to c. It sets what it names and leaves the rest
// as it is, so that a file can be laid over a preset:
//
//	{
//	  "retry": {"max_attempts": 5, "base_delay": "500ms"},
//	  "breaker": {"open_for": "30s", "rule": {"ratio": {"share": 0.3}}},
//	  "services": {"payments": {"hosts": ["pay.example.com"], "disable": "fallback"}}
//	}
//
// Keys are the names of fields in snake case. Durations are text with a unit,
// bytes such as [fallback.Cache.Secret] are base64. What is not plain data, such
// as functions and Base, cannot be set. A list replaces the one that is there,
// and so does disable: over [PresetPayments] it must name fallback again. What c
// points to is not written: where a setting in it is named, it is replaced by a
// copy.
//
// An error names each fault, unknown keys among them, with its line and key;
// or what [Config.Validate] finds. Nothing is changed then. A document is at most
// 1 MiB long. One that is null changes nothing, as an empty YAML file becomes.
func (c *Config) LoadJSON(r io.Reader) error {
	document, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err == nil && len(document) > maxDocument {
		err = fmt.Errorf("it has more than %d bytes", maxDocument)
	}
	if err != nil {
		return fmt.Errorf("safetrip: reading a Config: %w", err)
	}
	if string(bytes.TrimSpace(document)) == "null" {
		return nil
	}
	return c.change(func(next *Config) error { return variants.JSON(document, next) })
}

// UnmarshalJSON does what LoadJSON does, so that a Config can be part of a
// program's own file. Lines count from where the Config begins.
func (c *Config) UnmarshalJSON(document []byte) error { return c.LoadJSON(bytes.NewReader(document)) }

// LoadEnv applies to c the environment variables whose names begin with prefix
// and '_': with the prefix BILLING, BILLING_RETRY_MAX_ATTEMPTS=5 and
// BILLING_SERVICES_PAYMENTS_TIMEOUT_HEADERS=3s. Names are the keys of
// [Config.LoadJSON] in capitals; lists have commas between their items. The
// prefix is the Config's alone: what else begins with it is unknown.
//
// An error names each variable that is unknown or does not fit, and not its
// value where that may be secret; or what [Config.Validate] finds. Nothing is
// changed then.
func (c *Config) LoadEnv(prefix string) error {
	if prefix == "" || strings.HasSuffix(prefix, "_") { // with two '_' there would be none to find
		return fmt.Errorf("safetrip: the prefix of environment variables is %q; it must not be empty, nor end with '_'", prefix)
	}
	return c.change(func(next *Config) error { return variants.Env(prefix, os.Environ(), next) })
}

// change replaces c by what f makes of it, if that is valid.
func (c *Config) change(f func(*Config) error) error {
	next := *c
	if err := f(&next); err != nil {
		return fmt.Errorf("safetrip: Config: %w", err)
	}
	if err := next.Validate(); err != nil {
		return err
	}
	*c = next
	return nil
}
