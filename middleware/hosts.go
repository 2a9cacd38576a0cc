package middleware

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/origin"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
)

// HostsOptions configure a Hosts.
type HostsOptions struct {
	// Allow lists the values of Host that are served: "example.com" (any port),
	// ".example.com" (with subdomains), "example.com:8080", "[::1]". A dot at the
	// end of a Host's name makes no difference. There is no default; Localhost suits
	// development, and "*" checks only that Host is well-formed.
	Allow []string

	// Report is told of refusals. nil is silent.
	Report Reporter
}

// Localhost is what a developer's browser calls its own machine: the list that
// Channels allows in debug mode, and subdomains of localhost.
func Localhost() []string { return []string{".localhost", "127.0.0.1", "[::1]"} }

// Hosts guards against requests that name a host which is not ours: DNS
// rebinding, poisoned links and caches. It is safe for concurrent use.
type Hosts struct {
	patterns []origin.Pattern
	report   Reporter
}

// NewHosts makes a Hosts. It panics for an empty list, a malformed pattern, and
// a pattern with a scheme.
func NewHosts(options HostsOptions) *Hosts {
	if len(options.Allow) == 0 {
		panic("middleware: Hosts: no host is allowed; name yours, or use Localhost() for development")
	}
	patterns := origin.MustPatterns("middleware: HostsOptions.Allow", options.Allow)
	h := &Hosts{patterns: patterns, report: options.Report}
	for i, p := range h.patterns {
		if p.Scheme != "" {
			_, host, _ := strings.Cut(options.Allow[i], "://")
			wrong := &PatternError{
				Pattern: options.Allow[i], Problem: "has a scheme, which Host has not", Suggest: host,
			}
			panic("middleware: HostsOptions.Allow: " + wrong.Error())
		}
	}
	return h
}

// Wrap puts the check in front of next. Others get 400.
func (h *Hosts) Wrap(next parley.App) parley.App {
	wiring.Need("middleware: Hosts.Wrap", "app", next)
	return guarded(next, h, refusing(h.report))
}

// Check decides on a handshake or request. The error is a *Refusal with the
// reason "missing", "malformed" or "not-allowed".
func (h *Hosts) Check(scope *parley.Scope) error {
	if !protocol.Requested(scope) {
		return nil
	}
	text := scope.Request.Host
	if text == "" {
		return badHost("missing", "no Host header")
	}
	host, port, ok := origin.SplitHost(text)
	if !ok {
		return badHost("malformed", fmt.Sprintf("Host %.100q is malformed", text))
	}
	if port == origin.NoPort {
		port = 80
		if origin.Secure(scope.Request) {
			port = 443
		}
	}
	host = strings.TrimSuffix(host, ".") // of a name that is written out to its root
	for i := range h.patterns {
		p := &h.patterns[i]
		if p.Any || (p.Port == origin.AnyPort || p.Port == port) && p.MatchesHost(host) {
			return nil
		}
	}
	return badHost("not-allowed", fmt.Sprintf("Host %.100q is not allowed", text))
}

func badHost(reason, detail string) error {
	return &Refusal{By: "hosts", Reason: reason, Status: http.StatusBadRequest, Detail: detail}
}
