package settings

import (
	"encoding"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// parse reads a leaf that is not a list from text.
func parse(t reflect.Type, text string) (reflect.Value, error) {
	v := reflect.New(t).Elem()
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		return v, u.UnmarshalText([]byte(text))
	}
	switch {
	case t == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return v, fmt.Errorf("%q is not a duration, such as \"500ms\" or \"1m30s\"", text)
		}
		v.SetInt(int64(d))
		return v, nil
	case isBytes(t):
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return v, errors.New("invalid base64") // and may be secret
		}
		v.SetBytes(b)
		return v, nil
	}
	return v, parseBasic(v, text)
}

func parseBasic(v reflect.Value, text string) error {
	switch bits := v.Type().Bits; v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, bits())
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) { // which no bound of a setting would catch
			return fmt.Errorf("%q is no number", text)
		}
		v.SetFloat(f)
	case reflect.Uint, reflect.Uint8, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, bits())
		if err != nil {
			return fmt.Errorf("%q is no whole number that is not negative", text)
		}
		v.SetUint(n)
	default:
		n, err := strconv.ParseInt(text, 10, bits())
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		v.SetInt(n)
	}
	return nil
}

// parseList reads a leaf, which may be a list with commas between its items.
func parseList(t reflect.Type, text string) (reflect.Value, error) {
	if !isList(t) {
		return parse(t, text)
	}
	list := reflect.MakeSlice(t, 0, 0)
	if strings.TrimSpace(text) == "" {
		return list, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		v, err := parse(t.Elem(), strings.TrimSpace(item))
		if err != nil {
			return list, err
		}
		list = reflect.Append(list, v)
	}
	return list, nil
}

func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice && !isBytes(t) }
