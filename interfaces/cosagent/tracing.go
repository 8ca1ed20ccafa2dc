// SPDX-License-Identifier: Apache-2.0

package cosagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// TracingProtocol is a protocol by which traces are sent.
type TracingProtocol string

// The protocols that the agents can receive.
const (
	OTLPHTTP         TracingProtocol = "otlp_http"
	OTLPGRPC         TracingProtocol = "otlp_grpc"
	Zipkin           TracingProtocol = "zipkin"
	JaegerThriftHTTP TracingProtocol = "jaeger_thrift_http"
)

// protocols are those for which the published agents have a receiver. Asked for
// another, their hooks fail.
var protocols = [...]TracingProtocol{OTLPHTTP, OTLPGRPC, Zipkin, JaegerThriftHTTP}

func (p TracingProtocol) known() bool { return slices.Contains(protocols[:], p) }

// Receiver is where an agent takes traces.
type Receiver struct {
	Protocol TracingProtocol
	// Transport is "http" or "grpc".
	Transport string
	// URL is "http://HOST:PORT" or "https://HOST:PORT" or, of grpc, "HOST:PORT". It is
	// empty as long as the agent has nowhere to send traces to.
	URL string
}

const (
	receiversKey  = "receivers"
	maxReceivers  = 64
	maxReceiverKB = 64
	maxURL        = 2048
)

// TracingEndpoint returns where to send traces by a protocol, "http://HOST:PORT" or,
// of OTLPGRPC, "HOST:PORT"; empty if there is no agent yet, or none that has
// somewhere to send them to. Of several agents it is one, the same each time. The
// protocol must be one of Options.TracingProtocols.
func (a *Agent) TracingEndpoint(ctx context.Context, protocol TracingProtocol) (url string, err error) {
	if !slices.Contains(a.opts.TracingProtocols, protocol) {
		return "", fmt.Errorf("cannot find tracing endpoint: %q is not in Options.TracingProtocols", protocol)
	}
	receivers, err := a.Receivers(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range receivers {
		if r.Protocol == protocol && r.URL != "" {
			return r.URL, nil
		}
	}
	return "", nil
}

// Receivers returns what the agents have answered to Options.TracingProtocols, in
// the order of relations and units. What an agent has written that is none is left
// out, and the log has a warning with the unit's name. It runs one relation-ids
// and, for each relation, one relation-list and relation-get.
func (a *Agent) Receivers(ctx context.Context) ([]Receiver, error) {
	relations, err := a.charm.Relations(ctx, a.endpoint)
	if err != nil {
		return nil, err
	}
	var all []Receiver
	for _, rel := range relations {
		units, err := rel.RemoteAll(ctx)
		if err != nil {
			return nil, err
		}
		for _, unit := range units {
			text, err := unit.Get(ctx, receiversKey)
			if err != nil {
				return nil, err
			}
			receivers, err := readReceivers(text)
			if err != nil {
				a.charm.Logger().WarnContext(ctx, "cannot read receivers of agent", "relation", rel.String(), "unit", unit.Unit, "error", err)
			}
			all = append(all, receivers...)
		}
	}
	return all, nil
}

// readReceivers reads what an agent has written. It returns those that are right,
// and an error if there are others, which does not quote them.
func readReceivers(text string) ([]Receiver, error) {
	switch {
	case text == "":
		return nil, nil
	case len(text) > maxReceiverKB<<10:
		return nil, fmt.Errorf("they are larger than %d KiB", maxReceiverKB)
	}
	var list []json.RawMessage
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil, errors.New("they are no JSON list")
	}
	if len(list) > maxReceivers {
		return nil, fmt.Errorf("there are more than %d", maxReceivers)
	}
	var receivers []Receiver
	bad := 0
	for _, content := range list {
		var wire struct {
			Protocol struct {
				Name TracingProtocol `json:"name"`
				Type string          `json:"type"`
			} `json:"protocol"`
			URL string `json:"url"` // null stays empty
		}
		if json.Unmarshal(content, &wire) != nil || wire.Protocol.Name == "" || len(wire.Protocol.Name) > 64 ||
			!isPrintable(string(wire.Protocol.Name)) || !isReceiverURL(wire.Protocol.Type, wire.URL) {
			bad++
			continue
		}
		receivers = append(receivers, Receiver{wire.Protocol.Name, wire.Protocol.Type, wire.URL})
	}
	if bad > 0 {
		return receivers, fmt.Errorf("%d of %d are malformed", bad, len(list))
	}
	return receivers, nil
}

// isReceiverURL reports whether a receiver of that transport can be there.
func isReceiverURL(transport, url string) bool {
	if transport != "http" && transport != "grpc" || len(url) > maxURL || !isPrintable(url) {
		return false
	}
	if url == "" {
		return true
	}
	if transport == "grpc" {
		return isTarget(url)
	}
	host, ok := strings.CutPrefix(url, "https://")
	if !ok {
		host, ok = strings.CutPrefix(url, "http://")
	}
	return ok && host != "" && host[0] != '/' && host[0] != ':'
}
