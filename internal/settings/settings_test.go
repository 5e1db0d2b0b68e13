package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

type rule interface{ rule() }

type ratio struct{ Share float64 }

type slow struct{ Over time.Duration }

func (ratio) rule() {}
func (slow) rule()  {}

// A color reads its own text.
type color uint8

func (c *color) UnmarshalText(text []byte) error {
	*c = color(len(text))
	return nil
}

type guard struct {
	OpenFor time.Duration
	Rule    rule
	On      bool

	_ sync.Once
}

type config struct {
	Name    string
	Count   int
	Size    uint8
	On      bool
	Share   float64
	Wait    time.Duration
	Color   color
	Codes   []int
	Hosts   []string
	Key     []byte
	OldKeys [][]byte
	Inner   struct{ MaxTTL time.Duration }
	Guard   *guard
	Others  map[string]config

	Func func()
	Any  any
	_    int
}

var variants = Variants{reflect.TypeFor[rule](): {"ratio": reflect.TypeFor[ratio](), "slow": reflect.TypeFor[slow]()}}

func TestJSON(t *testing.T) {
	for _, tt := range []struct {
		name     string
		document string
		want     func(*config)
	}{
		{"nothing", `{}`, func(*config) {}},
		{"a string", `{"name": "x"}`, func(c *config) { c.Name = "x" }},
		{"a number", `{"count": -3, "size": 200, "share": 0.5}`, func(c *config) { c.Count, c.Size, c.Share = -3, 200, 0.5 }},
		{"a truth value", `{"on": true}`, func(c *config) { c.On = true }},
		{"a duration", `{"wait": "1m30s"}`, func(c *config) { c.Wait = 90 * time.Second }},
		{"a type with its own text", `{"color": "red"}`, func(c *config) { c.Color = 3 }},
		{"lists", `{"codes": [1, 2], "hosts": []}`, func(c *config) { c.Codes, c.Hosts = []int{1, 2}, []string{} }},
		{"bytes", `{"key": "AQI=", "old_keys": ["Aw=="]}`, func(c *config) { c.Key, c.OldKeys = []byte{1, 2}, [][]byte{{3}} }},
		{"a struct", `{"inner": {"max_ttl": "1s"}}`, func(c *config) { c.Inner.MaxTTL = time.Second }},
		{"what a pointer points to", `{"guard": {"open_for": "1s"}}`, func(c *config) { c.Guard = &guard{OpenFor: time.Second} }},
		{"an empty one", `{"guard": {}}`, func(c *config) { c.Guard = new(guard) }},
		{"a variant", `{"guard": {"rule": {"ratio": {"share": 1}}}}`, func(c *config) { c.Guard = &guard{Rule: ratio{1}} }},
		{"an empty variant", `{"guard": {"rule": {"slow": {}}}}`, func(c *config) { c.Guard = &guard{Rule: slow{}} }},
		{"a map", `{"others": {"a": {"name": "x", "count": 1}, "b": {}}}`, func(c *config) {
			c.Others = map[string]config{"a": {Name: "x", Count: 1}, "b": {}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got, want config
			if err := variants.JSON([]byte(tt.document), &got); err != nil {
				t.Fatal(err)
			}
			if tt.want(&want); !reflect.DeepEqual(got, want) {
				t.Errorf("%s\n got %+v\nwant %+v", tt.document, got, want)
			}
		})
	}
}

func TestFaultsOfJSON(t *testing.T) {
	for _, tt := range []struct{ name, document, want string }{
		{"an unknown key", "{\n\"nmae\": 1}", "line 2: nmae: unknown key, want one of codes, color, count"},
		{"one further in", "{\"inner\": {\n\n\"ttl\": {\"x\": [1]}}, \"name\": 1}", "line 3: inner.ttl: unknown key, want one of max_ttl\nline 3: name: want a string, got 1"},
		{"a field that is no data", `{"func": 1}`, "line 1: func: unknown key"},
		{"one that is not exported", `{"_": 1}`, "line 1: _: unknown key"},
		{"a key twice", `{"count": 1, "count": 2}`, "line 1: count: stands here a second time"},
		{"a number for a duration", `{"wait": 5}`, `line 1: wait: want a duration, such as "500ms",, got 5`},
		{"a duration without a unit", `{"wait": "5"}`, `line 1: wait: "5" is not a duration`},
		{"a string for a number", `{"count": "5"}`, "line 1: count: want a number, got a string"},
		{"a fraction for a whole number", `{"count": 1.5}`, `line 1: count: "1.5" is no whole number`},
		{"a number that is too large", `{"size": 256}`, `line 1: size: "256" is no whole number that is not negative`},
		{"a string for a truth value", `{"on": "yes"}`, "line 1: on: want true or false, got a string"},
		{"null", `{"name": null}`, "line 1: name: want a string, got null"},
		{"a list for an object", `{"inner": [[1], {}]}`, "line 1: inner: want an object, got a list"},
		{"an object for a list", `{"codes": {"a": 1}}`, "line 1: codes: want a list, got an object"},
		{"a wrong item", `{"codes": [1, "x", {}]}`, "line 1: codes: want a number, got a string\nline 1: codes: want a number, got an object"},
		{"what is no base64, which is not told", `{"key": "hunter2!"}`, "line 1: key: invalid base64"},
		{"an unknown variant", `{"guard": {"rule": {"fast": {}}}}`, "line 1: guard.rule.fast: unknown key, want one of ratio, slow"},
		{"two variants", `{"guard": {"rule": {"slow": {}, "ratio": {}}}}`, "line 1: guard.rule.ratio: is one too many; choose one of ratio, slow"},
		{"objects without end", strings.Repeat(`{"others":{"a":`, 100) + "{}" + strings.Repeat("}}", 100), strings.Repeat("others.a.", 8) + "others: is too deep"},
		{"no object", `[]`, "line 1: want an object, got a list"},
		{"something after it", "{}\n{}", "line 2: invalid character '{' after top-level value"},
		{"nothing", "", "line 1: unexpected end of JSON input"},
		{"a cut object", "{\"inner\":\n{", "line 2: unexpected end of JSON input"},
		{"what is no JSON", "{\n\"name\": x}", "line 2: invalid character 'x'"},
		{"what is no JSON, far down", "{\"inner\":\n\n\n{\n\n\n\"max_ttl\":\n\n\ntru}}", "line 10: invalid character '}' in literal true"},
		{"a string over two lines", "{\n\"name\": \"x\n\"}", "line 2: invalid character '\\n' in string literal"},
		{"lines that end as on Windows", "{\r\n\"name\":\r\n1}", "line 3: name: want a string, got 1"},
		{"a comment", "{\n// why\n}", "line 2: invalid character '/'"},
		{"a key in capitals", `{"Name": "x"}`, "line 1: Name: unknown key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config{Name: "before", Guard: new(guard)}
			err := variants.JSON([]byte(tt.document), &c)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s\n got %v\nwant %s", tt.document, err, tt.want)
			}
			if want := (config{Name: "before", Guard: c.Guard}); !reflect.DeepEqual(c, want) {
				t.Errorf("%s changed the struct to %+v", tt.document, c)
			}
		})
	}
}

func TestWhatIsPointedToIsNotWritten(t *testing.T) {
	shared, others := &guard{OpenFor: time.Second, Rule: ratio{1}}, map[string]config{"a": {Name: "x"}}
	c := config{Guard: shared, Others: others}
	err := variants.JSON([]byte(`{"guard": {"rule": {"ratio": {}}, "open_for": "2s"}, "others": {"a": {"count": 1}}}`), &c)
	if err != nil {
		t.Fatal(err)
	}
	if shared.OpenFor != time.Second || others["a"].Count != 0 {
		t.Errorf("what was there before was written: %+v, %+v", shared.OpenFor, others)
	}
	if c.Guard == shared || c.Guard.OpenFor != 2*time.Second || c.Guard.Rule != (ratio{1}) {
		t.Errorf("the copy has %v and %+v", c.Guard.OpenFor, c.Guard.Rule)
	}
	if a := c.Others["a"]; a.Name != "x" || a.Count != 1 {
		t.Errorf("the copy of the map's entry is %+v", a)
	}
}

func TestAMapIsCopiedOnce(t *testing.T) {
	var document strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&document, `,"k%d":{}`, i)
	}
	var c config
	if err := variants.JSON([]byte(`{"others":{`+document.String()[1:]+`}}`), &c); err != nil || len(c.Others) != 20_000 {
		t.Errorf("there are %d entries, error %v", len(c.Others), err) // or it never ends
	}
}

func TestEnv(t *testing.T) {
	c := config{Name: "before", Others: map[string]config{"a-b": {Name: "x"}}}
	err := variants.Env("APP", []string{
		"PATH=/bin", "APPLE=1", "APP=2",
		"APP_COUNT=3", "APP_ON=true", "APP_WAIT=2s", "APP_CODES=1, 2", "APP_HOSTS=", "APP_COLOR=red",
		"APP_INNER_MAX_TTL=1s", "APP_GUARD_RULE_SLOW_OVER=4s", "APP_KEY=AQI=",
		"APP_OTHERS_A_B_COUNT=7", "APP_OTHERS_NEW_INNER_MAX_TTL=9s",
	}, &c)
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		Name: "before", Count: 3, On: true, Wait: 2 * time.Second, Codes: []int{1, 2}, Hosts: []string{}, Color: 3,
		Guard: &guard{Rule: slow{4 * time.Second}}, Key: []byte{1, 2},
		Others: map[string]config{"a-b": {Name: "x", Count: 7}, "new": {}},
	}
	want.Inner.MaxTTL = time.Second
	added := want.Others["new"]
	added.Inner.MaxTTL = 9 * time.Second
	want.Others["new"] = added
	if !reflect.DeepEqual(c, want) {
		t.Errorf("\n got %+v\nwant %+v", c, want)
	}
}

func TestKeysOfMapsInEnv(t *testing.T) {
	for _, tt := range []struct{ name, variable, key string }{
		{"a key that is new", "APP_OTHERS_EAST_ON", "east"},
		{"one with the name of a setting", "APP_OTHERS_COUNT_ON", "count"},
		{"one whose name ends like a setting's begins: the shortest", "APP_OTHERS_EAST_INNER_MAX_TTL", "east"},
		{"the same, if there is one", "APP_OTHERS_WEST_INNER_MAX_TTL", "west"},
		{"a key with what is no letter", "APP_OTHERS_FAR_WEST_ON", "far.west"},
		{"a key that ends with the name of a setting", "APP_OTHERS_MY_GUARD_ON", "my-guard"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config{Others: map[string]config{"west": {}, "far.west": {}, "my-guard": {}}}
			text := map[bool]string{true: "true", false: "9s"}[strings.HasSuffix(tt.variable, "_ON")]
			if err := variants.Env("APP", []string{tt.variable + "=" + text}, &c); err != nil {
				t.Fatal(err)
			}
			if got := c.Others[tt.key]; reflect.DeepEqual(got, config{}) {
				t.Errorf("%s does not set %q: %+v", tt.variable, tt.key, c.Others)
			}
		})
	}
}

func TestFaultsOfEnv(t *testing.T) {
	c := config{Name: "before", Others: map[string]config{"a-b": {}, "a.b": {}}}
	err := variants.Env("APP", []string{
		"APP_NAME=after", "APP_NMAE=x", "APP_COUNT=x", "APP_CODES=1,x", "APP_KEY=hunter2", "APP_OTHERS_COUNT=1", "APP_FUNC=1",
		"APP_GUARD_RULE_SLOW_OVER=1s", "APP_GUARD_RULE_RATIO_SHARE=1",
		"APP_SHARE=NaN", "APP_OTHERS_A_B_COUNT=1", "APP_WAIT=",
	}, &c)
	if err == nil {
		t.Fatal("no fault was found")
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{
		`APP_CODES: "x" is no whole number`,
		`APP_COUNT: "x" is no whole number`,
		"APP_FUNC: unknown setting",
		"APP_GUARD_RULE_SLOW_OVER: it is one too many; guard.rule is ratio already",
		"APP_KEY: invalid base64",
		"APP_NMAE: unknown setting",
		"APP_OTHERS_A_B_COUNT: it may mean a-b or a.b",
		"APP_OTHERS_COUNT: unknown setting",
		`APP_SHARE: "NaN" is no number`,
		`APP_WAIT: "" is not a duration, such as "500ms" or "1m30s"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	if c.Name != "before" {
		t.Error("a setting was set though others had faults")
	}
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{
		"Name": "name", "MaxOpenFor": "max_open_for", "TTL": "ttl", "MaxTTL": "max_ttl", "CPULoad": "cpu_load", "P95": "p95",
	} {
		if got := snake(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"name": "x", "guard": {"rule": {"ratio": {"share": 1}}}, "others": {"a": {"codes": [1]}}}`))
	f.Add([]byte("{\"inner\": {\n\"ttl\": {\"x\": [1]}}, \"name\": 1}"))
	f.Fuzz(func(t *testing.T, document []byte) {
		c := config{Name: "before"}
		if err := variants.JSON(document, &c); err != nil && !reflect.DeepEqual(c, config{Name: "before"}) {
			t.Errorf("%q failed and changed the struct", document)
		}
	})
}
