package healthz

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A chromium is a real browser, driven over its debugging pipe.
type chromium struct {
	t  *testing.T
	in io.Writer

	mu      sync.Mutex // guards the rest
	next    int
	waiting map[int]chan reply
	logged  []string // what the page's console and the browser complain of
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// startChromium starts a browser that ends with the test. Without one the test
// is skipped, or fails if CI is set.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	program := ""
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); name != "" && err == nil {
			program = p
			break
		}
	}
	switch {
	case program == "" && os.Getenv("CI") == "true":
		t.Fatal("no Chromium is installed")
	case program == "":
		t.Skip("no Chromium is installed")
	case testing.Short():
		t.Skip("short")
	}
	toBrowser, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, fromBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "chromium") //nolint:usetesting // t.TempDir must be empty when the test ends
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars", "--user-data-dir="+profile)
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = toBrowser.Close()
	_ = fromBrowser.Close()
	c := &chromium{t: t, in: in, waiting: make(map[int]chan reply)}
	done := make(chan struct{})
	go func() { defer close(done); c.read(out) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = in.Close()
		<-done
		_ = out.Close()
		removeInTime(t, profile)
	})
	return c
}

// removeInTime removes what processes of the browser's may still write to: they
// end a moment later than it.
func removeInTime(t *testing.T, folder string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		if os.RemoveAll(folder) == nil {
			return
		}
		<-tick.C
	}
	t.Logf("%s stays", folder)
}

func (c *chromium) read(out io.Reader) {
	r := bufio.NewReader(out)
	for {
		b, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			reply
			ID     int
			Method string
			Params json.RawMessage
		}
		if json.Unmarshal(b[:len(b)-1], &m) != nil {
			continue
		}
		c.mu.Lock()
		switch {
		case c.waiting[m.ID] != nil:
			c.waiting[m.ID] <- m.reply
			delete(c.waiting, m.ID)
		case m.Method == "Log.entryAdded", m.Method == "Runtime.exceptionThrown", m.Method == "Runtime.consoleAPICalled":
			c.logged = append(c.logged, string(m.Params))
		}
		c.mu.Unlock()
	}
}

// call sends one command of the DevTools protocol and decodes what comes back.
func (c *chromium) call(session, method string, params, into any) {
	c.t.Helper()
	got := make(chan reply, 1)
	c.mu.Lock()
	c.next++
	id := c.next
	c.waiting[id] = got
	c.mu.Unlock()
	m := map[string]any{"id": id, "method": method, "params": params}
	if session != "" {
		m["sessionId"] = session
	}
	b, err := json.Marshal(m)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(b, 0)); err != nil {
		c.t.Fatal(err)
	}
	select {
	case r := <-got:
		if r.Error != nil {
			c.t.Fatalf("%s: %s", method, r.Error.Message)
		}
		if into != nil {
			if err := json.Unmarshal(r.Result, into); err != nil {
				c.t.Fatal(err)
			}
		}
	case <-time.After(30 * time.Second):
		c.t.Fatalf("%s: no answer", method)
	}
}

// A tab is one page.
type tab struct {
	*chromium
	session string
}

type object map[string]any

func (c *chromium) open(url string, setup ...func(*tab)) *tab {
	c.t.Helper()
	var target struct{ TargetID string }
	c.call("", "Target.createTarget", object{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	c.call("", "Target.attachToTarget", object{"targetId": target.TargetID, "flatten": true}, &attached)
	t := &tab{c, attached.SessionID}
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		t.do(domain+".enable", object{})
	}
	for _, f := range setup {
		f(t)
	}
	t.do("Page.navigate", object{"url": url})
	t.until(`document.readyState === "complete" && location.href !== "about:blank"`)
	return t
}

func (t *tab) do(method string, params object) { t.t.Helper(); t.call(t.session, method, params, nil) }

// eval returns the value of an expression as JSON has it.
func (t *tab) eval(expression string) any {
	t.t.Helper()
	var got struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Text string }
	}
	t.call(t.session, "Runtime.evaluate", object{"expression": expression, "returnByValue": true, "awaitPromise": true}, &got)
	if got.ExceptionDetails != nil {
		t.t.Fatalf("%.200s: %s", expression, got.ExceptionDetails.Text)
	}
	return got.Result.Value
}

// until waits for an expression to be true.
func (t *tab) until(expression string) {
	t.t.Helper()
	if t.eventually(expression) != nil {
		t.t.Fatalf("never true: %s\n%v", expression, t.eval("document.body.innerText"))
	}
}

func (t *tab) eventually(expression string) error {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		if t.eval(`Boolean(`+expression+`)`) == true {
			return nil
		}
	}
	return errors.New("time is over")
}

func (t *tab) width(w, h int, scale float64) {
	t.do("Emulation.setDeviceMetricsOverride", object{"width": w, "height": h, "deviceScaleFactor": scale, "mobile": w < 600})
}

func (t *tab) scheme(name string) {
	t.do("Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": name}}})
}

// shoot writes a picture of the whole page to the folder that SCREENSHOTS
// names, if it does.
func (t *tab) shoot(name string) {
	t.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var got struct{ Data string }
	size := t.eval("({x: 0, y: 0, width: document.documentElement.clientWidth, height: document.documentElement.scrollHeight, scale: 1})")
	t.call(t.session, "Page.captureScreenshot", object{"format": "png", "captureBeyondViewport": true, "clip": size}, &got)
	b, err := base64.StdEncoding.DecodeString(got.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), b, 0o644)
	}
	if err != nil {
		t.t.Error(err)
	}
}

// complaints returns what was logged so far.
func (c *chromium) complaints() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.logged)
}
