package middleware

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/origin"
	"github.com/parleygo/parley/internal/protocol"
	"github.com/parleygo/parley/internal/wiring"
)

// ProxiesOptions configure TrustedProxies.
type ProxiesOptions struct {
	// Trust lists who may speak for others: addresses ("10.0.0.7"), networks
	// ("10.0.0.0/8") and "unix", a peer on a unix socket. While it is empty
	// nobody is believed.
	Trust []string

	// Forwarded reads the header Forwarded of RFC 7239 and no other. Default:
	// X-Forwarded-For and -Proto. Never both: a proxy that sets one
	// lets the other through as its client wrote it.
	Forwarded bool

	// Host believes what the proxies say of the Host that the client sent
	// (X-Forwarded-Host, or host= of Forwarded). Default off: many proxies
	// leave Host alone and let X-Forwarded-Host through as the client wrote it.
	Host bool

	// InsecureTrustEveryone permits networks of all addresses in Trust.
	// Everybody may then claim any address and host.
	InsecureTrustEveryone bool

	// Report is told of refusals. nil is silent.
	Report Reporter
}

// Client is who sits before the first proxy.
type Client struct {
	// IP is invalid where there is none, as on a unix socket.
	IP netip.Addr
	// Port is 0 where no proxy tells.
	Port uint16
	// Scheme is "http", "https", "ws" or "wss".
	Scheme string
	// Host is the value of Host that the client sent, or the last proxy.
	Host string
}

// TrustedProxies finds out who the client is behind proxies that are trusted. It
// goes from the nearest proxy towards the client and stops at the first address
// that is not trusted: what stands beyond is that one's word only. If all are
// trusted the farthest is the client. It is safe for concurrent use.
type TrustedProxies struct {
	options ProxiesOptions
	nets    []netip.Prefix
	unix    bool
}

// NewTrustedProxies makes a TrustedProxies. It panics for an entry of Trust that
// is no address or network, and for a network of everybody unless that is
// permitted.
func NewTrustedProxies(options ProxiesOptions) *TrustedProxies {
	p := &TrustedProxies{options: options}
	for _, text := range options.Trust {
		if text == "unix" {
			p.unix = true
			continue
		}
		network, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); addrErr == nil {
			addr = addr.Unmap()
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		switch {
		case err != nil:
			panic("middleware: ProxiesOptions.Trust: " + strconv.Quote(text) +
				` is no address, network or "unix"`)
		case network.Bits() == 0 && !options.InsecureTrustEveryone:
			panic("middleware: ProxiesOptions.Trust: " + text +
				" trusts everybody; name the proxies, or set InsecureTrustEveryone")
		}
		p.nets = append(p.nets, network.Masked())
	}
	return p
}

// Wrap has next see the client: Scope.Client and Scope.Scheme are the client's,
// and in Scope.Request, a copy, RemoteAddr, Host, and scheme and host of the URL are
// (the port of an address is 0 if no proxy tells it). A request that no trusted proxy
// speaks for passes as it is. A trusted proxy whose headers make no sense is answered
// with 400.
func (p *TrustedProxies) Wrap(next parley.App) parley.App {
	wiring.Need("middleware: TrustedProxies.Wrap", "app", next)
	if len(p.options.Trust) == 0 {
		return next
	}
	return guarded(next, proxyGuard{p}, p.act)
}

// proxyGuard acts on requests that say for whom they speak.
type proxyGuard struct{ *TrustedProxies }

// Check implements decider.
func (g proxyGuard) Check(scope *parley.Scope) error {
	if !protocol.Requested(scope) || !g.speaks(scope.Request.Header) {
		return nil
	}
	return errInvolved
}

func (p *TrustedProxies) act(
	ctx context.Context, scope *parley.Scope, conn parley.Conn, next parley.App, _ error,
) error {
	client, err := p.Client(scope)
	switch {
	case err != nil:
		return Refuse(ctx, scope, conn, p.options.Report, refusalOf(err))
	case client != nil:
		scope = client.applied(scope)
	}
	return next.Serve(ctx, scope, conn)
}

// Check reports whether a trusted proxy's headers make sense: the error is a
// *Refusal with the reason "malformed".
func (p *TrustedProxies) Check(scope *parley.Scope) error {
	_, err := p.Client(scope)
	return err
}

// Client returns who is behind the proxies, or nil if no trusted proxy speaks for
// anybody. The error is that of Check.
func (p *TrustedProxies) Client(scope *parley.Scope) (*Client, error) {
	if !protocol.Requested(scope) || !p.speaks(scope.Request.Header) ||
		!p.trustsPeer(scope.Request.RemoteAddr) {
		return nil, nil
	}
	var hops []hop
	var ok bool
	if p.options.Forwarded {
		hops, ok = parseForwarded(scope.Request.Header["Forwarded"])
	} else {
		hops, ok = parseXForwarded(scope.Request.Header)
	}
	if !ok {
		return nil, badForwarded("headers do not follow their grammar")
	}
	peer, _ := netip.ParseAddrPort(scope.Request.RemoteAddr)
	client := &Client{
		IP: peer.Addr().Unmap(), Port: peer.Port(),
		Scheme: scope.Scheme(), Host: scope.Request.Host,
	}
	if err := p.walk(client, hops); err != nil {
		return nil, err
	}
	from, to := "ws", "http" // proxies write the one for the other
	if scope.Protocol == parley.WebSocket {
		from, to = to, from
	}
	if rest, found := strings.CutPrefix(client.Scheme, from); found {
		client.Scheme = to + rest
	}
	return client, nil
}

// walk goes from the nearest hop to the client.
func (p *TrustedProxies) walk(client *Client, hops []hop) error {
	for i := len(hops) - 1; i >= 0; i-- {
		h := &hops[i]
		if h.illegal {
			return badForwarded("no address where one belongs")
		}
		if h.scheme != "" {
			scheme := strings.ToLower(h.scheme)
			if scheme != "http" && scheme != "https" && scheme != "ws" && scheme != "wss" {
				return badForwarded("a scheme that is none of the web")
			}
			client.Scheme = scheme
		}
		if h.host != "" && p.options.Host {
			if _, _, ok := origin.SplitHost(h.host); !ok {
				return badForwarded("a host that is malformed")
			}
			client.Host = h.host
		}
		if !h.addr.IsValid() {
			return nil // the proxy does not tell: it is as far as we see
		}
		client.IP, client.Port = h.addr, h.port
		if !p.trusts(h.addr) {
			return nil
		}
	}
	return nil
}

func badForwarded(detail string) error {
	return &Refusal{By: "proxies", Reason: "malformed", Status: http.StatusBadRequest, Detail: detail}
}

// speaks reports whether there is anything to believe or not.
func (p *TrustedProxies) speaks(header http.Header) bool {
	if p.options.Forwarded {
		return len(header["Forwarded"]) > 0
	}
	return len(header["X-Forwarded-For"]) > 0 || len(header["X-Forwarded-Proto"]) > 0 ||
		p.options.Host && len(header["X-Forwarded-Host"]) > 0
}

//parley:noescape
func (p *TrustedProxies) trustsPeer(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return p.unix && (remote == "" || remote[0] == '@' || remote[0] == '/')
	}
	return p.trusts(peer.Addr().WithZone("").Unmap())
}

func (p *TrustedProxies) trusts(addr netip.Addr) bool {
	for _, network := range p.nets {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// applied returns a copy of scope that the client seems to have connected to
// directly.
func (c *Client) applied(scope *parley.Scope) *parley.Scope {
	s := scope.WithScheme(c.Scheme)
	r := scope.Request.WithContext(scope.Request.Context())
	u := *r.URL
	u.Scheme = c.Scheme
	if r.Method != http.MethodConnect { // whose URL has a host of its own
		u.Host = c.Host // a scheme without one would make "https:///path" of redirects
	}
	r.URL, r.Host = &u, c.Host
	if c.IP.IsValid() {
		r.RemoteAddr = netip.AddrPortFrom(c.IP, c.Port).String()
	}
	s.Request = r
	return s
}
