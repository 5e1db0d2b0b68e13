package transport

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

func TestFromRetryable(t *testing.T) {
	c := retryablehttp.NewClient()
	c.RetryMax, c.RetryWaitMin, c.RetryWaitMax = 2, 3*time.Second, 10*time.Second
	r, err := FromRetryable(c)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		base := script(503)
		send(t, r.Wrap(base), get(t, "http://a.test"))
		if got := base.waits(); len(got) != 2 || got[0] != 3*time.Second || got[1] != 6*time.Second {
			t.Errorf("waited %v, want 3 s and 6 s", got)
		}
		base = script(503)
		send(t, r.Wrap(base), newRequest(t, http.MethodPost, "http://a.test", nil))
		if base.calls() != 1 {
			t.Errorf("a POST was sent %d times", base.calls())
		}
	})
}

func TestFromRetryableWithoutRetries(t *testing.T) {
	for _, n := range []int{0, -1} {
		c := retryablehttp.NewClient()
		c.RetryMax, c.RetryWaitMin = n, 0
		r, err := FromRetryable(c)
		if err != nil {
			t.Fatal(err)
		}
		if r.BaseDelay >= 0 {
			t.Errorf("no wait has become a BaseDelay of %v, which is one", r.BaseDelay)
		}
		base := script(503)
		send(t, r.Wrap(base), get(t, "http://a.test"))
		if base.calls() != 1 {
			t.Errorf("RetryMax %d: %d attempts, want 1", n, base.calls())
		}
	}
}

func TestFromRetryableNamesWhatItCannotTakeOver(t *testing.T) {
	c := retryablehttp.NewClient()
	c.RequestLogHook = func(retryablehttp.Logger, *http.Request, int) {}
	c.ResponseLogHook = func(retryablehttp.Logger, *http.Response) {}
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler
	c.PrepareRetry = func(*http.Request) error { return nil }
	c.RetryWaitMin, c.RetryWaitMax = time.Hour, time.Second
	_, err := FromRetryable(c)
	for _, name := range []string{"RequestLogHook", "ResponseLogHook", "ErrorHandler", "PrepareRetry", "BaseDelay"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}
