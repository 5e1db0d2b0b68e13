package safetrip

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEverySettingCanBeLoaded goes through all fields of a Config, at any
// depth: what is plain data has one name in a file and in the environment, and
// what is code has none.
func TestEverySettingCanBeLoaded(t *testing.T) {
	settings := 0
	each(reflect.TypeFor[Config](), nil, func(path []string, field reflect.Type) {
		name := "X_" + strings.ToUpper(strings.Join(path, "_"))
		sample, plain := sampleOf(field)
		document := fmt.Sprintf(`{"%s": %s%s`, strings.Join(path, `": {"`), inJSON(field, sample), strings.Repeat("}", len(path)))
		var fromFile, fromEnv Config
		errFile := variants.JSON([]byte(document), &fromFile)
		errEnv := variants.Env("X", []string{name + "=" + sample}, &fromEnv)
		switch {
		case !plain && (errFile == nil || errEnv == nil):
			t.Errorf("%s can be loaded, though it is code", name)
		case plain && (errFile != nil || errEnv != nil):
			t.Errorf("%s cannot be loaded: %v, %v", name, errFile, errEnv)
		case plain && (reflect.ValueOf(fromFile).IsZero() || !same(fromFile, fromEnv)):
			t.Errorf("%s makes\n%+v, but\n%s makes\n%+v", document, fromFile, name, fromEnv)
		case plain:
			settings++
		}
	})
	if settings < 80 {
		t.Errorf("only %d settings were found", settings)
	}
}

func same(x, y any) bool { return reflect.DeepEqual(x, y) }

// each calls f for all that is below a struct and is none itself. Services have
// the fields that a Config has.
func each(t reflect.Type, path []string, f func([]string, reflect.Type)) {
	for field := range t.Fields() {
		if !field.IsExported() || field.Name == "Services" {
			continue
		}
		below := slices.Concat(path, []string{snakeCase(field.Name)})
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case variants[inner] != nil:
			for name, variant := range variants[inner] {
				each(variant, slices.Concat(below, []string{name}), f)
			}
		case inner.Kind() == reflect.Struct:
			each(inner, below, f)
		default:
			f(below, inner)
		}
	}
}

var words = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)

func snakeCase(name string) string {
	return strings.ToLower(words.ReplaceAllString(name, "${1}${3}_${2}${4}"))
}

// sampleOf returns a text for a field, and whether it is plain data.
func sampleOf(t reflect.Type) (text string, plain bool) {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "7s", true
	case t == reflect.TypeFor[Part]():
		return "retry", true
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "full", true // Jitter
	case t == reflect.TypeFor[[]byte](), t == reflect.TypeFor[[][]byte]():
		return "AQI=", true
	case t == reflect.TypeFor[[]int]():
		return "503", true
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true", true
	case reflect.String:
		return "x", true
	case reflect.Int, reflect.Int64:
		return "7", true
	case reflect.Float64:
		return "0.5", true
	case reflect.Slice:
		return "x", t.Elem().Kind() == reflect.String
	default:
		return "x", false
	}
}

// inJSON writes a sample as JSON has it.
func inJSON(t reflect.Type, sample string) string {
	if t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 {
		return "[" + inJSON(t.Elem(), sample) + "]"
	}
	if regexp.MustCompile(`^([0-9.]+|true)$`).MatchString(sample) {
		return sample
	}
	return `"` + sample + `"`
}
