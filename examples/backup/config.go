// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/charmsmith/charmsmith/charm"
	"github.com/charmsmith/charmsmith/hookcmd"
)

// options are the charm's configuration.
type options struct {
	Source     string
	Keep       int
	MaxAge     *time.Duration // nil: any
	Port       uint16
	SigningKey *charm.SecretURI // nil: none
}

// Validate checks what the types do not.
func (o *options) Validate() error {
	switch {
	case !filepath.IsAbs(o.Source):
		return wrong("source", "must be an absolute path")
	case o.Keep < 1 || o.Keep > 100:
		return wrong("keep", "must be from 1 to 100")
	}
	return nil
}

func wrong(option, rule string) error {
	return &charm.ConfigError{Option: option, Err: errors.New(rule)}
}

// load returns the options, and the key that one of them leads to.
func (k *keeper) load(ctx context.Context) (o options, key []byte, err error) {
	o, err = charm.LoadConfig[options](ctx, k.Charm)
	if err != nil || o.SigningKey == nil {
		return o, nil, err
	}
	content, err := k.Secret(*o.SigningKey).Refresh(ctx)
	if errors.Is(err, hookcmd.ErrPermission) || errors.Is(err, hookcmd.ErrSecretNotFound) {
		return o, nil, wrong("signing-key", "must be a secret that is granted to "+k.Application())
	}
	key = []byte(content["key"].Reveal())
	if err == nil && len(key) == 0 {
		return o, nil, wrong("signing-key", `must have a value "key"`)
	}
	return o, key, err
}
