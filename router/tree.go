package router

import "net/http"

// tree holds the routes in the order in which a request is taken apart: its host,
// its method, and then one segment of the path after the other. It is safe for
// concurrent use once it is made.
type tree struct {
	everywhere *methodTree            // the patterns without a host
	hosts      map[string]*methodTree // the others
}

type methodTree struct {
	all    *node // the patterns without a method
	get    *node
	others map[string]*node
}

// node is a place in a path. The entries of one list match the same requests, and
// stand in order of precedence.
type node struct {
	literals children // behind a segment that reads so
	wild     *node    // behind any segment
	here     []*entry // whose path ends here
	end      []*entry // whose path ends behind a slash
	rest     []*entry // that match whatever follows the slash
}

func newTree(entries []entry) *tree {
	t := &tree{everywhere: new(methodTree), hosts: make(map[string]*methodTree)}
	for i := range entries {
		t.methods(entries[i].host).node(entries[i].method).add(&entries[i])
	}
	return t
}

func (t *tree) methods(host string) *methodTree {
	if host == "" {
		return t.everywhere
	}
	if t.hosts[host] == nil {
		t.hosts[host] = new(methodTree)
	}
	return t.hosts[host]
}

func (m *methodTree) node(method string) *node {
	at := &m.all
	switch {
	case method == http.MethodGet:
		at = &m.get
	case method != "" && m.others[method] != nil:
		return m.others[method]
	case method != "":
		if m.others == nil {
			m.others = make(map[string]*node)
		}
		m.others[method] = new(node)
		return m.others[method]
	}
	if *at == nil {
		*at = new(node)
	}
	return *at
}

func (n *node) add(e *entry) {
	for _, s := range e.segments {
		switch s.kind {
		case literal:
			n = n.literals.get(s.text)
		case wild:
			if n.wild == nil {
				n.wild = new(node)
			}
			n = n.wild
		case end:
			n.end = append(n.end, e)
			return
		case multi:
			n.rest = append(n.rest, e)
			return
		}
	}
	n.here = append(n.here, e)
}
