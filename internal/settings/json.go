package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// JSON sets the fields of the struct that into points to as a JSON object says.
// An error names each fault with its line and key; nothing is set then.
func (v Variants) JSON(document []byte, into any) error {
	r := &reader{Variants: v, Decoder: json.NewDecoder(bytes.NewReader(document)), document: document}
	r.UseNumber()
	err := r.value(reflect.TypeOf(into).Elem(), nil)
	if err == nil {
		if _, err = r.Token(); err == nil {
			err = r.fault(nil, "there is more after the object")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		err = fmt.Errorf("line %d: %w", r.line(syntax.Offset), syntax)
	} else if errors.Is(err, io.EOF) {
		err = fmt.Errorf("line %d: %w", r.line(int64(len(document))), io.ErrUnexpectedEOF)
	}
	if err = errors.Join(append(r.faults, err)...); err != nil {
		return err
	}
	v.apply(r.changes, into)
	return nil
}

// A reader turns a document into changes.
type reader struct {
	Variants
	*json.Decoder
	document []byte
	changes  []change
	faults   []error
}

func (r *reader) line(offset int64) int { return 1 + bytes.Count(r.document[:offset], []byte("\n")) }

// fault returns an error with the place of the token that was read last.
func (r *reader) fault(path []string, format string, args ...any) error {
	at := ""
	if len(path) > 0 {
		at = strings.Join(path, ".") + ": "
	}
	return fmt.Errorf("line %d: %s%s", r.line(r.InputOffset()), at, fmt.Sprintf(format, args...))
}

func (r *reader) note(path []string, format string, args ...any) {
	r.faults = append(r.faults, r.fault(path, format, args...))
}

// value reads a value for a field of type t. Its error is one after which
// nothing more can be read; others are noted.
func (r *reader) value(t reflect.Type, path []string) error {
	if isLeaf(t) {
		return r.leaf(t, path)
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	token, err := r.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		r.note(path, "%s stands where an object should", describe(token))
		return r.skipRest(token)
	}
	r.changes = append(r.changes, change{path: path})
	seen := make(map[string]bool)
	for r.More() {
		key, err := r.Token() // a string, or the decoder would say so
		if err != nil {
			return err
		}
		if err := r.member(t, path, fmt.Sprint(key), seen); err != nil {
			return err
		}
		seen[fmt.Sprint(key)] = true
	}
	_, err = r.Token() // the end of the object
	return err
}

// member reads the value of a key in an object for a field of type t.
func (r *reader) member(t reflect.Type, path []string, key string, seen map[string]bool) error {
	below := slices.Concat(path, []string{key})
	member, known := r.memberType(t, key)
	switch {
	case seen[key]:
		r.note(below, "stands here a second time")
	case !known:
		r.note(below, "is unknown; there are %s", r.members(t))
	case r.Variants[t] != nil && len(seen) > 0:
		r.note(below, "is one too many; choose one of %s", r.members(t))
	default:
		return r.value(member, below)
	}
	return r.skip()
}

func (r *reader) memberType(t reflect.Type, key string) (reflect.Type, bool) {
	if isMap(t) {
		return t.Elem(), true
	}
	if of := r.Variants[t]; of != nil {
		return of[key], of[key] != nil
	}
	f, ok := r.fields(t)[key]
	return f.Type, ok
}

func (r *reader) members(t reflect.Type) string {
	if of := r.Variants[t]; of != nil {
		return names(of)
	}
	return names(r.fields(t))
}

// leaf reads a value that is one text, number or truth value, or a list of
// them.
func (r *reader) leaf(t reflect.Type, path []string) error {
	token, err := r.Token()
	if err != nil {
		return err
	}
	if !isList(t) {
		return r.item(t, path, token, func(v reflect.Value) { r.changes = append(r.changes, change{path, v}) })
	}
	if token != json.Delim('[') {
		r.note(path, "%s stands where a list should", describe(token))
		return r.skipRest(token)
	}
	list := reflect.MakeSlice(t, 0, 0)
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return err
		}
		if err := r.item(t.Elem(), path, token, func(v reflect.Value) { list = reflect.Append(list, v) }); err != nil {
			return err
		}
	}
	r.changes = append(r.changes, change{path, list})
	_, err = r.Token() // the end of the list
	return err
}

// item parses a token for a field of type t and, if that can be, calls set.
func (r *reader) item(t reflect.Type, path []string, token json.Token, set func(reflect.Value)) error {
	text, fits := "", false
	switch token := token.(type) {
	case string:
		text, fits = token, t.Kind() == reflect.String || t == durationType || isBytes(t) || isText(t)
	case json.Number:
		text, fits = token.String(), isNumber(t)
	case bool:
		text, fits = strconv.FormatBool(token), t.Kind() == reflect.Bool
	}
	if !fits {
		r.note(path, "%s stands where %s should", describe(token), kindOf(t))
		return r.skipRest(token)
	}
	v, err := parse(t, text)
	if err != nil {
		r.note(path, "%v", err)
		return nil
	}
	set(v)
	return nil
}

// isText reports whether a type reads its own text.
func isText(t reflect.Type) bool {
	return t.Kind() != reflect.String && reflect.PointerTo(t).Implements(textType)
}

func isNumber(t reflect.Type) bool {
	return t != durationType && !isText(t) && t.Kind() != reflect.String && t.Kind() != reflect.Bool && !isBytes(t)
}

func kindOf(t reflect.Type) string {
	switch {
	case t == durationType:
		return `a duration, such as "500ms",`
	case t.Kind() == reflect.Bool:
		return "true or false"
	case isNumber(t):
		return "a number"
	}
	return "a text"
}

// describe says what a token is, and not its text, which may be secret.
func describe(token json.Token) string {
	switch token := token.(type) {
	case nil:
		return "null"
	case string:
		return "a text"
	case json.Number:
		return token.String()
	case json.Delim:
		if token == '{' {
			return "an object"
		}
		return "a list"
	}
	return fmt.Sprint(token)
}

// skip reads over a value.
func (r *reader) skip() error {
	token, err := r.Token()
	if err != nil {
		return err
	}
	return r.skipRest(token)
}

// skipRest reads over what is left of a value that began with token.
func (r *reader) skipRest(token json.Token) error {
	if _, nests := token.(json.Delim); !nests {
		return nil
	}
	for depth := 1; depth > 0; {
		token, err := r.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}
