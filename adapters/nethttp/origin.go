package nethttp

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// SameOrigin is the default check of a WebSocket handshake: a browser's Origin
// must name the host of the request. A request without Origin comes from no
// browser and is let through, since it carries nobody's cookies.
func SameOrigin(r *http.Request) error {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return nil
	}
	if len(origins) > 1 {
		return fmt.Errorf("parley: %d Origin headers", len(origins))
	}
	origin, err := url.Parse(origins[0])
	if err != nil || origin.Host == "" || origin.Scheme != "http" && origin.Scheme != "https" {
		return fmt.Errorf("parley: Origin %q is not a web origin", origins[0])
	}
	if !sameHost(origin, r) {
		return fmt.Errorf("parley: Origin %q is not of this host", origins[0])
	}
	return nil
}

// sameHost compares host and port, a missing port being the scheme's own.
func sameHost(origin *url.URL, r *http.Request) bool {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = strings.Trim(r.Host, "[]"), defaultPort(origin.Scheme)
	}
	originPort := origin.Port()
	if originPort == "" {
		originPort = defaultPort(origin.Scheme)
	}
	return strings.EqualFold(origin.Hostname(), host) && originPort == port
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}
