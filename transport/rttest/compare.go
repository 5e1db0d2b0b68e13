package rttest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
)

// asBare makes the same call bare and wrapped, and complains if a trait of the
// bare outcome is not in the wrapped one. More than the bare outcome has (a
// header, a cause) is allowed.
func (p *probe) asBare(what string, base http.RoundTripper, look func(http.RoundTripper) []string) {
	p.Helper()
	p.lost(what, look(base), look(p.wrap(base)))
}

// lost complains of the traits in bare that are not in wrapped.
func (p *probe) lost(what string, bare, wrapped []string) {
	p.Helper()
	missing := slices.DeleteFunc(slices.Clone(bare), func(trait string) bool { return slices.Contains(wrapped, trait) })
	if len(missing) == 0 {
		return
	}
	instead := slices.DeleteFunc(slices.Clone(wrapped), func(trait string) bool { return slices.Contains(bare, trait) })
	p.fault("%s: without the wrapper there is\n\t\t%s\n\tand with it\n\t\t%s", what,
		strings.Join(missing, "\n\t\t"), cmp.Or(strings.Join(instead, "\n\t\t"), "nothing instead"))
}

// call is the usual look: one request, its answer read to the end.
func (p *probe) call(newRequest func() *http.Request) func(http.RoundTripper) []string {
	return func(rt http.RoundTripper) []string {
		resp, err := p.send(rt, newRequest())
		if err != nil {
			return causes(err)
		}
		return p.whole(resp)
	}
}

// whole reads an answer to its end and describes it. Trailers count at the end
// alone: they may come earlier where a wrapper reads ahead on purpose.
func (p *probe) whole(resp *http.Response) []string {
	defer resp.Body.Close()
	head := slices.DeleteFunc(traits(resp), func(trait string) bool { return strings.HasPrefix(trait, "Trailer") })
	text, err := p.read(resp.Body)
	return append(head,
		fmt.Sprintf("a body of %d bytes that begins with %.40q", len(text), text),
		fmt.Sprintf("the body's end %q", causes(err)),
		fmt.Sprintf("the trailer at the end %q", resp.Trailer))
}

// causes describes what a caller can find out about an error: what errors.Is
// and errors.As find in it, and whether it calls itself a timeout. Its text
// is nobody's business.
func causes(err error) []string {
	if err == nil {
		return []string{"no error"}
	}
	all := []string{"an error"}
	for name, target := range map[string]error{
		"io.EOF":                     io.EOF,
		"io.ErrUnexpectedEOF":        io.ErrUnexpectedEOF,
		"context.Canceled":           context.Canceled,
		"context.DeadlineExceeded":   context.DeadlineExceeded,
		"os.ErrDeadlineExceeded":     os.ErrDeadlineExceeded,
		"net.ErrClosed":              net.ErrClosed,
		"ECONNREFUSED":               syscall.ECONNREFUSED,
		"http.ErrBodyReadAfterClose": http.ErrBodyReadAfterClose,
		"errCause":                   errCause,
	} {
		if errors.Is(err, target) {
			all = append(all, "is "+name)
		}
	}
	for name, found := range map[string]func() bool{
		"*net.OpError":                      as[*net.OpError](err),
		"*net.DNSError":                     as[*net.DNSError](err),
		"*tls.CertificateVerificationError": as[*tls.CertificateVerificationError](err),
		"x509.UnknownAuthorityError":        as[x509.UnknownAuthorityError](err),
		"tls.RecordHeaderError":             as[tls.RecordHeaderError](err),
	} {
		if found() {
			all = append(all, "as "+name)
		}
	}
	timeout, ok := err.(interface{ Timeout() bool })
	slices.Sort(all)
	return append(all, fmt.Sprintf("a timeout: %t", ok && timeout.Timeout()))
}

// errCause is the cause that the suite cancels contexts with.
var errCause = errors.New("the suite's own cause")

func as[E error](err error) func() bool {
	return func() bool {
		_, ok := errors.AsType[E](err)
		return ok
	}
}
