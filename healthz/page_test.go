package healthz

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

func TestThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := down(t)
		page := func(target string) (string, http.Header) {
			w := get(m, target, "Accept", "text/html")
			return w.Body.String(), w.Header()
		}
		html, h := page("/healthz")
		for what, want := range map[string]string{
			"the overall status": `<strong>critical</strong>3 critical: error_rate, service_availability, mail · 4 warning:`,
			"a check":            `95th percentile of response times lately`,
			"its strip":          `aria-label="Last 2 runs: 0 healthy, 2 warning, 0 critical"`,
			"a circuit":          `https://users.example`,
			"its time left":      `43 s left`,
			"its retries":        `data-label="retries left">0<`,
			"a ladder":           `degraded`,
			"an answer's source": `<td class="num">1,100</td><td class="num">96.1 %</td>`,
			"the success rate":   `Success rate over the last 10 minutes, now 70 %, lowest 70 %`,
			"the latencies":      `Response times over the last 10 minutes, now p50 80 ms p95 6 s p99 9 s`,
			"an error":           `network_medium`,
			"an alert":           `<b>mail</b> timeout`,
		} {
			if !strings.Contains(html, want) {
				t.Errorf("no %s: %s", what, want)
			}
		}
		csp := h.Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`'nonce-([A-Z2-7]{26})'`).FindStringSubmatch(csp)
		if nonce == nil || !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") || strings.Count(html, `nonce="`+nonce[1]+`"`) != 2 {
			t.Errorf("%s", csp)
		}
		if again, h := page("/healthz"); h.Get("Content-Security-Policy") == csp || again == html {
			t.Error("a nonce is used twice")
		}
		for _, bad := range []string{`<script src`, `<link rel="stylesheet`, `style="`, `onclick`, `ZgotmplZ`, `http://www.w3.org/2000/svg" `} {
			if strings.Contains(html, bad) {
				t.Errorf("it has %s", bad)
			}
		}
		if out := regexp.MustCompile(`(src|href|action)="(https?:)?//`).FindString(html); out != "" {
			t.Errorf("it asks for something from outside: %s", out)
		}
		if html, _ := page("/readyz"); strings.Contains(html, "smtp") || !strings.Contains(html, "readyz") {
			t.Error("the page of /readyz shows what it does not count")
		}
		if html, _ := page("/healthz/db"); strings.Contains(html, "<b>mail</b>") && strings.Contains(html, ">mail<small>") {
			t.Error("the page of one check shows another")
		}
	})
}

func TestWhatIsInTheReportIsTextOnThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		evil := `"><script>alert(1)</script>`
		m := &Monitor{
			Name: evil, Thresholds: quiet, Detail: func(*http.Request) bool { return true },
			Sources: Sources{
				Circuits: func() []transport.Circuit { return []transport.Circuit{{Key: evil}} },
				Ladders:  func() []transport.LadderState { return []transport.LadderState{{Ladder: evil}} },
				Answers:  func() map[transport.Source]uint64 { return map[transport.Source]uint64{transport.Source(evil): 1} },
			},
			Checks: []Check{{Name: "a", Description: evil, Run: func(context.Context) Result { return Result{Value: 1, Unit: evil} }}},
		}
		settled(t, m)
		if html := get(m, "/healthz", "Accept", "text/html").Body.String(); strings.Contains(html, "<script>alert") {
			t.Error("it is markup")
		}
	})
}

func TestTheChartsHaveAGapWhereNothingIsKnown(t *testing.T) {
	now := time.Now()
	at := func(ago time.Duration, calls uint64) sample {
		return sample{at: now.Add(-ago), calls: calls, success: 100}
	}
	for _, test := range []struct {
		where string
		list  []sample
		gaps  int
	}{
		{"samples in a row", []sample{at(15*time.Second, 1), at(10*time.Second, 1), at(5*time.Second, 1)}, 0},
		{"no calls in between", []sample{at(15*time.Second, 1), at(10*time.Second, 0), at(5*time.Second, 1)}, 1},
		{"not running in between", []sample{at(5*time.Minute, 1), at(5*time.Second, 1)}, 1},
		{"some too old to be drawn", []sample{at(time.Hour, 1), at(10*time.Second, 1), at(5*time.Second, 1)}, 0},
	} {
		line := successChart(test.list, now).Lines[0]
		if n := strings.Count(line.Path, "M") - 1; n != test.gaps {
			t.Errorf("%s: %d gaps in %s", test.where, n, line.Path)
		}
		if n := strings.Count(line.Area, "Z") - 1; n != test.gaps {
			t.Errorf("%s: %d gaps in the area %s", test.where, n, line.Area)
		}
	}
}

func TestASourceThatPanicsOnceIsSampledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		traffic := func() transport.Traffic {
			if asked++; asked == 2 {
				panic("a secret")
			}
			return transport.Traffic{}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*sampleEvery-1)
		defer cancel()
		var s samples
		s.loop(ctx, traffic)
		if n := len(s.all()); asked != 4 || n != 3 {
			t.Errorf("%d samples, asked for %d", n, asked)
		}
	})
}

// TestInABrowser drives the page in a real Chromium. With SCREENSHOTS set to a
// folder it leaves pictures there; with AXE set to axe-core's axe.min.js it
// also asks that for barriers.
func TestInABrowser(t *testing.T) {
	chrome := startChromium(t)
	var broken atomic.Bool
	since := time.Now()
	m := &Monitor{
		Name: "billing", Interval: 200 * time.Millisecond, Logger: silent, Thresholds: Thresholds{CPU: Bounds{-1, -1}},
		Detail: func(r *http.Request) bool { return !r.URL.Query().Has("public") },
		Checks: []Check{Func("db", func(context.Context) error { return nil })},
		Sources: Sources{
			Traffic: func() transport.Traffic {
				w := transport.Window{Length: time.Minute, Total: 420, Failed: 3, P50: 41 * time.Millisecond, P95: 187 * time.Millisecond, P99: 420 * time.Millisecond}
				x := transport.Traffic{Total: 48_211, Succeeded: 47_101, Failed: 820, Neutral: 290, InFlight: 3, Last: time.Now(), Mean: 63 * time.Millisecond,
					Window: w, Errors: map[string]uint64{"network_medium": 512, "system_high": 260, "timeout_medium": 48, "rate_limit_medium": 290}}
				if broken.Load() {
					x.Window.Failed, x.Window.P95, x.Window.P99 = 66, 2100*time.Millisecond, 4*time.Second
					x.Consecutive = map[string]int{"GET users.example": 4}
				}
				return x
			},
			Circuits: func() []transport.Circuit {
				all := []transport.Circuit{{Key: "https://payments.example", Threshold: 5}, {Key: "https://mail.example:8443", Threshold: 5, Failures: 1}, {Key: "https://users.example", Threshold: 5}}
				if broken.Load() {
					all[2] = transport.Circuit{Key: "https://users.example", State: transport.Open, Threshold: 5, Failures: 5, Left: 41 * time.Second, LastFailure: time.Now(), Rejected: 211}
				}
				return all
			},
			Ladders: func() []transport.LadderState {
				all := []transport.LadderState{{Ladder: "users", Key: "https://users.example"}, {Ladder: "payments", Key: "https://payments.example"}}
				if broken.Load() {
					all[0].Level, all[0].Since, all[0].Reason = transport.Degraded, since, transport.CircuitOpen
				}
				return all
			},
			Budgets: func() []transport.BudgetState {
				return []transport.BudgetState{{Key: "https://payments.example", Left: 18}}
			},
			Caches: func() []transport.CacheState {
				return []transport.CacheState{{Entries: 412, Bytes: 3_120_334, Max: 64 << 20, Hits: 1204, Misses: 88}}
			},
			Answers: func() map[transport.Source]uint64 {
				return map[transport.Source]uint64{transport.SourceOrigin: 46_900, transport.SourceCache: 1204, transport.SourceAlternate: 310, transport.SourceStatic: 52}
			},
		},
	}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close) // after the end of Run, which ends the streams
	start(t, m)
	m.samples.mu.Lock() // ten minutes of the past, with an outage in it
	for i := range samplesLen - 1 {
		x := sample{at: time.Now().Add(time.Duration(i-samplesLen) * sampleEvery), calls: 420, success: 99.4 - float64(i*7%5)/5, p50: time.Duration(38+i*3%7) * time.Millisecond, p95: time.Duration(170+i*13%60) * time.Millisecond, p99: time.Duration(380+i*37%160) * time.Millisecond}
		if i > 40 && i < 62 {
			x.success, x.p95, x.p99 = 81-float64(i*11%9), time.Duration(1500+i*97%900)*time.Millisecond, time.Duration(3100+i*131%900)*time.Millisecond
		}
		m.samples.list = append(m.samples.list[:i], append([]sample{x}, m.samples.list[i:]...)...)
	}
	m.samples.mu.Unlock()
	p := chrome.open(server.URL+"/healthz", func(p *tab) { p.width(1280, 900, 1); p.scheme("light") })
	p.until(`document.querySelector("#status strong").textContent === "healthy"`)
	p.eval(`window.mark = "not reloaded"`)
	p.eval(`window.then = document.querySelector("#meta time").dateTime`)
	p.until(`document.querySelector("#meta time").dateTime > window.then`)
	p.shoot("page-light.png")

	broken.Store(true)
	p.until(`document.querySelector("#status strong").textContent === "critical"`)
	p.until(`document.querySelector("#circuits").innerText.includes("open") && document.querySelector("#circuits").innerText.includes("42 s left")`)
	p.until(`document.querySelector("#ladders").innerText.includes("degraded")`)
	p.until(`document.querySelector("#alerts").innerText.includes("service_availability")`)
	p.until(`document.title.startsWith("critical") && document.querySelector("link[rel=icon]").href.includes("d33f49")`)
	if p.eval(`window.mark`) != "not reloaded" {
		t.Error("the page was reloaded")
	}
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		p.barriers()
		p.shoot("page-outage-" + scheme + ".png")
		p.width(375, 812, 1)
		if wide := p.eval(`document.documentElement.scrollWidth`); wide != 375.0 {
			t.Errorf("on a phone the page is %v wide", wide)
		}
		p.barriers()
		p.shoot("page-phone-" + scheme + ".png")
		p.width(1280, 900, 1)
	}

	broken.Store(false)
	p.until(`document.querySelector("#status strong").textContent === "healthy"`)
	p.until(`document.querySelector("#alerts").innerText.includes("was critical")`)
	if p.eval(`window.mark`) != "not reloaded" {
		t.Error("the page was reloaded")
	}

	// Every stop of the keyboard can be seen, and the first skips to the checks.
	p.do("Input.dispatchKeyEvent", object{"type": "keyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9})
	p.until(`document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().left >= 0`)

	public := chrome.open(server.URL + "/healthz?public")
	public.until(`document.querySelector("#checks").innerText.includes("error_rate")`)
	if text := fmt.Sprint(public.eval(`document.body.innerText`)); strings.Contains(text, "users.example") || strings.Contains(text, "billing") || strings.Contains(text, "%") {
		t.Errorf("who may not see details sees\n%s", text)
	}
	public.barriers()

	bare := chrome.open(server.URL+"/healthz", func(p *tab) { p.do("Emulation.setScriptExecutionDisabled", object{"value": true}) })
	if text := fmt.Sprint(bare.eval(`document.body.innerText`)); !strings.Contains(text, "Scripts are off") || !strings.Contains(text, "users.example") {
		t.Errorf("without scripts it says\n%s", text)
	}

	p.do("Page.bringToFront", object{})
	p.eval(`window.then = document.querySelector("#meta time").dateTime`)
	p.until(`document.querySelector("#meta time").dateTime > window.then`)
	if text := chrome.complaints(); strings.Contains(text, "Content Security Policy") || strings.Contains(text, "exception") {
		t.Errorf("the browser complains: %s", text)
	}
	_ = server.Listener.Close() // first, so that nobody comes back
	server.CloseClientConnections()
	p.until(`!document.querySelector("#lost").hidden && document.querySelector("#lost").innerText.startsWith("Connection lost")`)
	p.shoot("page-lost.png")

	// The same address comes back, and so does the page.
	l, err := net.Listen("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	back := &http.Server{Handler: m, ReadHeaderTimeout: time.Second}
	go func() { _ = back.Serve(l) }()
	defer back.Close()
	p.until(`document.querySelector("#lost").hidden`)
	if p.eval(`window.mark`) != "not reloaded" {
		t.Error("the page was reloaded")
	}
}

// barriers asks axe-core what would be in the way of somebody.
func (t *tab) barriers() {
	t.t.Helper()
	path := os.Getenv("AXE")
	if path == "" {
		return
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		t.t.Fatal(err)
	}
	t.eval(string(axe) + "; true")
	found := t.eval(`axe.run({resultTypes: ["violations"]}).then(r => r.violations.map(v => v.impact + " " + v.id + ": " + v.nodes.map(n => n.target + " " + n.failureSummary).join("; ")).join("\n"))`)
	if found != "" {
		t.t.Errorf("axe-core finds\n%v", found)
	}
}
