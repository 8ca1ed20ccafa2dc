// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// The names of the checks. A charm may have others.
const (
	Ping  = "ping"
	DNS   = "dns"
	Iperf = "iperf"
)

// Run is what one run of a check has found. Texts are valid UTF-8 of at most 255
// bytes; they may hold any character.
type Run struct {
	Check string    `json:"check"`         // "iperf"; not empty
	Tag   string    `json:"tag,omitempty"` // tells runs of one check apart; may be empty
	Model string    `json:"model"`         // name of the model; not empty
	Unit  string    `json:"unit"`          // the unit that has run it; not empty
	Time  time.Time `json:"time"`          // when; not zero
	Peers []Peer    `json:"peers"`         // at most 10,000
}

// Peer is what a check has found of one peer.
type Peer struct {
	Unit       string      `json:"unit"` // not empty
	OK         bool        `json:"ok"`
	Throughput *Throughput `json:"throughput,omitempty"` // of Iperf only; nil: nothing was measured
}

// Throughput is a measurement.
type Throughput struct {
	BitsPerSecond float64 `json:"bits_per_second"` // not negative, finite
	Concurrency   int     `json:"concurrency"`     // connections at the same time, not negative
}

const (
	maxText  = 255
	maxPeers = 10_000
)

// check says what is wrong with a run.
func (r Run) check() error {
	for _, text := range []struct {
		what, value string
		optional    bool
	}{{"check", r.Check, false}, {"tag", r.Tag, true}, {"model", r.Model, false}, {"unit", r.Unit, false}} {
		if err := checkText(text.what, text.value, text.optional); err != nil {
			return err
		}
	}
	if r.Time.IsZero() {
		return errors.New("its time is not set")
	}
	if len(r.Peers) > maxPeers {
		return fmt.Errorf("it has %d peers, more than %d", len(r.Peers), maxPeers)
	}
	seen := make(map[string]bool, len(r.Peers))
	for _, peer := range r.Peers {
		if err := checkText("peer", peer.Unit, false); err != nil {
			return err
		}
		if seen[peer.Unit] {
			return fmt.Errorf("it has peer %q twice", peer.Unit)
		}
		seen[peer.Unit] = true
		if peer.Throughput == nil {
			continue
		}
		if r.Check != Iperf {
			return fmt.Errorf("check %q has a throughput", r.Check)
		}
		t := *peer.Throughput
		if !(t.BitsPerSecond >= 0) || math.IsInf(t.BitsPerSecond, 0) || t.Concurrency < 0 {
			return fmt.Errorf("its throughput to %q is impossible", peer.Unit)
		}
	}
	return nil
}

func checkText(what, value string, optional bool) error {
	switch {
	case value == "" && !optional:
		return fmt.Errorf("its %s is empty", what)
	case len(value) > maxText:
		return fmt.Errorf("its %s has %d bytes, more than %d", what, len(value), maxText)
	case !utf8.ValidString(value):
		return fmt.Errorf("its %s %q is no valid UTF-8", what, value)
	}
	return nil
}

// last keeps what was found last of each peer.
func last(peers []Peer) []Peer {
	index := make(map[string]int, len(peers))
	kept := make([]Peer, 0, len(peers))
	for _, peer := range peers {
		if i, ok := index[peer.Unit]; ok {
			kept[i] = peer
			continue
		}
		index[peer.Unit] = len(kept)
		kept = append(kept, peer)
	}
	return kept
}
