// Package settings sets the fields of a struct from text: a JSON document, or
// environment variables. What can be set are the exported fields that are plain
// data, at any depth; their names in text are those in Go in snake case, so that
// Retry.MaxAttempts is retry.max_attempts, or RETRY_MAX_ATTEMPTS.
//
// Nothing is set unless all of it can be. What the struct points to is never
// written: a pointer whose target changes is replaced by one to a copy.
package settings

import (
	"encoding"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Variants has, for interface types, the names of the structs that they may
// hold: {"rule": {"ratio": {"share": 0.5}}} makes the field Rule a Ratio.
type Variants map[reflect.Type]map[string]reflect.Type

// A change is a value for one field. Its path has a name for each step from the
// outermost struct: of a field, a map's key, or a variant.
type change struct {
	path  []string
	value reflect.Value // not valid if the field is only to be there
}

// apply makes the changes in what into points to.
func (v Variants) apply(changes []change, into any) {
	w := writer{v, make(map[uintptr]bool)}
	for _, c := range changes {
		w.set(reflect.ValueOf(into).Elem(), c.path, c.value)
	}
}

// A writer makes changes. What it has copied already, which own has the
// addresses of, it may write.
type writer struct {
	Variants
	own map[uintptr]bool
}

func (w writer) set(at reflect.Value, path []string, value reflect.Value) {
	if at.Kind() == reflect.Pointer && !isLeaf(at.Type()) {
		w.makeOwn(at, copyOf)
		w.set(at.Elem(), path, value)
		return
	}
	if len(path) == 0 {
		if value.IsValid() {
			at.Set(value)
		}
		return
	}
	name, rest := path[0], path[1:]
	switch at.Kind() {
	case reflect.Struct:
		f, _ := w.field(at.Type(), name)
		w.set(at.FieldByIndex(f.Index), rest, value)
	case reflect.Map:
		key, elem := reflect.ValueOf(name), reflect.New(at.Type().Elem()).Elem()
		if old := at.MapIndex(key); old.IsValid() {
			elem.Set(old)
		}
		w.set(elem, rest, value)
		w.makeOwn(at, cloneMap)
		at.SetMapIndex(key, elem)
	case reflect.Interface:
		elem := reflect.New(w.Variants[at.Type()][name]).Elem()
		if !at.IsNil() && at.Elem().Type() == elem.Type() {
			elem.Set(at.Elem())
		}
		w.set(elem, rest, value)
		at.Set(elem)
	default: // settable says no to these
	}
}

// makeOwn puts a copy in the place of what at points to, unless it is one.
func (w writer) makeOwn(at reflect.Value, copied func(reflect.Value) reflect.Value) {
	if !w.own[at.Pointer()] {
		at.Set(copied(at))
		w.own[at.Pointer()] = true
	}
}

// Copy returns a pointer to a struct with the exported fields of the one that p
// points to. The others may be locks, or what it became in use.
func Copy[T any](p *T) *T {
	target := new(T)
	copyFields(reflect.ValueOf(target).Elem(), reflect.ValueOf(p).Elem())
	return target
}

// copyOf is Copy, and makes an empty struct of nil.
func copyOf(p reflect.Value) reflect.Value {
	target := reflect.New(p.Type().Elem())
	if !p.IsNil() {
		copyFields(target.Elem(), p.Elem())
	}
	return target
}

func copyFields(to, from reflect.Value) {
	for i := range to.NumField() {
		if f := to.Field(i); f.CanSet() {
			f.Set(from.Field(i))
		}
	}
}

func cloneMap(m reflect.Value) reflect.Value {
	c := reflect.MakeMap(m.Type())
	for _, k := range m.MapKeys() {
		c.SetMapIndex(k, m.MapIndex(k))
	}
	return c
}

// fields returns the fields of a struct that can be set, by their names in text.
func (v Variants) fields(t reflect.Type) map[string]reflect.StructField {
	all := make(map[string]reflect.StructField)
	for f := range t.Fields() {
		if f.IsExported() && v.settable(f.Type) {
			all[snake(f.Name)] = f
		}
	}
	return all
}

// field returns the field of a struct that has a name in text, if it can be set.
func (v Variants) field(t reflect.Type, name string) (reflect.StructField, bool) {
	for f := range t.Fields() {
		if snake(f.Name) == name {
			return f, f.IsExported() && v.settable(f.Type)
		}
	}
	return reflect.StructField{}, false
}

// memberType returns the type of what has a name directly below a type.
func (v Variants) memberType(t reflect.Type, name string) (reflect.Type, bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if isMap(t) {
		return t.Elem(), true
	}
	if of := v[t]; of != nil {
		return of[name], of[name] != nil
	}
	f, ok := v.field(t, name)
	return f.Type, ok
}

// settable reports whether something of a type can be set. A map is settable
// without a look at what it holds, which may be the struct that it is in.
func (v Variants) settable(t reflect.Type) bool {
	switch {
	case isLeaf(t), isMap(t), v[t] != nil:
		return true
	case t.Kind() == reflect.Pointer:
		return v.settable(t.Elem())
	}
	return t.Kind() == reflect.Struct && len(v.fields(t)) > 0
}

func isMap(t reflect.Type) bool {
	return t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.Struct
}

// isLeaf reports whether a value of a type is written as one text, or as a list
// of them.
func isLeaf(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(textType) {
		return t.Kind() != reflect.Struct && t.Kind() != reflect.Pointer
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float64,
		reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint64:
		return true
	case reflect.Slice:
		return isLeaf(t.Elem())
	default:
		return false
	}
}

// names returns the names of settings in a sentence.
func names[V any](of map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(of)), ", ")
}

// snake returns the name of a Go field in snake case: OpenFor is open_for, and
// CPULoad is cpu_load.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)
