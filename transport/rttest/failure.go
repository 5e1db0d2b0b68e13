package rttest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
)

// An error keeps what a program can ask it.
var errorRules = []rule{
	{"causes", "the cause of an error can be reached by errors.Is and errors.As", memory, causesReachable},
	{"timeout", "an error whose Timeout is true stays so through the http.Client, which asks the outermost error alone", memory, timeoutStays},
}

// oddError is a type of error that no wrapper knows.
type oddError struct{ code int }

func (*oddError) Error() string { return "an odd error" }

func causesReachable(p *probe) {
	odd := &oddError{code: 7}
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, failed := range []error{odd, dial, &net.DNSError{Err: "no such host", Name: "nowhere.test", IsNotFound: true}, errCause} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			client := http.Client{Transport: p.wrap(Script(failed))}
			resp, err := client.Do(p.request(method, nil))
			if err == nil {
				resp.Body.Close()
				p.fault("the base failed with %v, and the call was answered %s", failed, resp.Status)
				continue
			}
			if !errors.Is(err, failed) {
				p.fault("errors.Is does not find %T in %v", failed, err)
			}
			if got, _ := errors.AsType[*oddError](err); errors.Is(failed, odd) && got != odd {
				p.fault("errors.As does not find the %T in %v", odd, err)
			}
			p.lost("the error of the base", causes(failed)[:len(causes(failed))-1], causes(err))
		}
	}
}

func timeoutStays(p *probe) {
	late := &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	for _, failed := range []error{late, context.DeadlineExceeded, errCause} {
		client := http.Client{Transport: p.wrap(Script(failed))}
		resp, err := client.Do(p.request(http.MethodGet, nil))
		if err == nil {
			resp.Body.Close()
			p.fault("the base failed with %v, and the call was answered %s", failed, resp.Status)
			continue
		}
		p.lost("the client's error", causes(failed)[len(causes(failed))-1:], causes(err))
	}
}
