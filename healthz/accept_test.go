package healthz

import "testing"

var accepts = []struct {
	who    string
	accept string
	want   format
}{
	{"nobody in particular", "", formatJSON},
	{"curl and the kubelet", "*/*", formatJSON},
	{"Chromium", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", formatHTML},
	{"an EventSource", "text/event-stream", formatEvents},
	{"axios", "application/json, text/plain, */*", formatJSON},
	{"who wants text", "text/plain", formatText},
	{"who wants text of any kind", "text/*", formatText},
	{"who wants the draft's form", "application/health+json", formatHealth},
	{"who prefers it to JSON", "application/json;q=0.5, application/health+json", formatHealth},
	{"who takes both", "application/health+json, application/json", formatJSON},
	{"who takes any application", "application/*", formatJSON},
	{"who takes all but JSON", "application/json;q=0, */*", formatText},
	{"who takes text rather than HTML", "text/html;q=0.4, text/plain;q=0.7", formatText},
	{"whose order decides", "text/html, text/plain", formatHTML},
	{"whose specific range counts", "text/*;q=0.9, text/html;q=0.1, application/json;q=0.5", formatText},
	{"who writes in capitals", "TEXT/HTML;Q=1.0", formatHTML},
	{"who adds a charset", "text/plain; charset=utf-8; q=0.3", formatText},
	{"who wants what there is not", "image/png", formatJSON},
	{"who wants nothing", "*/*;q=0", formatJSON},
	{"who cannot write", "text/html;q=high, ;;, /, */plain, text", formatJSON},
	{"who writes a weight of its own", "text/html;q=7, text/plain;q=0.1", formatText},
}

func TestAccept(t *testing.T) {
	for _, test := range accepts {
		if got := choose(test.accept, formatJSON); got != test.want {
			t.Errorf("%s (%s) gets %s, want %s", test.who, test.accept, formats[got].name, formats[test.want].name)
		}
	}
	if got := choose("*/*", formatText); got != formatText {
		t.Errorf("another default: %s", formats[got].name)
	}
}

func FuzzAccept(f *testing.F) {
	for _, test := range accepts {
		f.Add(test.accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		ranges := parseAccept(accept)
		if len(ranges) > maxRanges {
			t.Errorf("%d ranges", len(ranges))
		}
		for _, r := range ranges {
			if r.weight < 0 || r.weight > 1000 || r.major == "" || r.minor == "" {
				t.Errorf("%q: %+v", accept, r)
			}
		}
		got := choose(accept, formatText)
		if got < 0 || int(got) >= len(formats) {
			t.Errorf("%q: %d", accept, got)
		}
		if got != formatText && len(ranges) == 0 {
			t.Errorf("%q, which says nothing, gets %s", accept, formats[got].name)
		}
	})
}
