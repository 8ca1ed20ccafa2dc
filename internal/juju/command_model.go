// SPDX-License-Identifier: Apache-2.0

package juju

import (
	"errors"

	"github.com/charmsmith/charmsmith/hookcmd"
	"github.com/charmsmith/charmsmith/internal/jujutext"
)

func isLeader(c *call) error {
	c.output()
	if _, err := c.parse(0); err != nil {
		return err
	}
	return c.print(c.h.isLeader())
}

func jujuReboot(c *call) error {
	now := c.flags.Bool("now")
	if _, err := c.parse(0); err != nil {
		return err
	}
	h := c.h
	if h.info.kind == action {
		//lint:ignore ST1005 it is Juju's text
		return errors.New("juju-reboot is not supported when running an action.")
	}
	if *now {
		h.reboot = rebootNow
		h.kill()
		return nil
	}
	h.reboot = rebootAfter
	return nil
}

// resourceGet is resource-get, whose resource lies in a file of the unit's
// agent; it says which.
func resourceGet(c *call) error {
	args, err := c.parse(-1)
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return usage("missing required resource name")
	}
	if err := jujutext.Unrecognized(args, 1); err != nil {
		return usageError{err}
	}
	file, err := c.h.resource(args[0])
	if err != nil {
		return err
	}
	c.stdout.WriteString(file)
	return nil
}

// credentialGet is credential-get. JSON leaves out what is empty; YAML does not,
// and has other names.
func credentialGet(c *call) error {
	c.output()
	if _, err := c.parse(0); err != nil {
		return err
	}
	cloud := c.h.model.opts.Cloud
	switch {
	case !c.h.unit.app.trusted:
		return errors.New("cannot access cloud credentials: permission denied")
	case cloud == nil:
		cloud = &hookcmd.CloudSpec{Type: "lxd", Name: "localhost"}
	}
	if c.out.Format == "json" {
		return c.print(cloudJSON(cloud))
	}
	return c.print(jujutext.Map{
		{Key: "type", Value: cloud.Type}, {Key: "name", Value: cloud.Name}, {Key: "region", Value: cloud.Region},
		{Key: "endpoint", Value: cloud.Endpoint}, {Key: "identityendpoint", Value: cloud.IdentityEndpoint},
		{Key: "storageendpoint", Value: cloud.StorageEndpoint},
		{Key: "credential", Value: jujutext.Map{
			{Key: "authtype", Value: cloud.Credential.AuthType}, {Key: "attributes", Value: attributes(cloud)},
			{Key: "redacted", Value: []string{}},
		}},
		{Key: "cacertificates", Value: cloud.CACertificates}, {Key: "skiptlsverify", Value: cloud.SkipTLSVerify},
		{Key: "iscontrollercloud", Value: cloud.IsControllerCloud},
	})
}

// cloudJSON is how JSON has a cloud: without what is empty.
func cloudJSON(cloud *hookcmd.CloudSpec) jujutext.Map {
	credential := jujutext.Map{{Key: "auth-type", Value: cloud.Credential.AuthType}}
	if attrs := attributes(cloud); len(attrs) > 0 {
		credential = append(credential, jujutext.Item{Key: "attrs", Value: attrs})
	}
	m := jujutext.Map{{Key: "type", Value: cloud.Type}, {Key: "name", Value: cloud.Name}}
	for _, item := range []jujutext.Item{
		{Key: "region", Value: cloud.Region}, {Key: "endpoint", Value: cloud.Endpoint},
		{Key: "identity-endpoint", Value: cloud.IdentityEndpoint}, {Key: "storage-endpoint", Value: cloud.StorageEndpoint},
	} {
		if item.Value != "" {
			m = append(m, item)
		}
	}
	m = append(m, jujutext.Item{Key: "credential", Value: credential})
	if len(cloud.CACertificates) > 0 {
		m = append(m, jujutext.Item{Key: "cacertificates", Value: cloud.CACertificates})
	}
	if cloud.SkipTLSVerify {
		m = append(m, jujutext.Item{Key: "skip-tls-verify", Value: true})
	}
	if cloud.IsControllerCloud {
		m = append(m, jujutext.Item{Key: "is-controller-cloud", Value: true})
	}
	return m
}

func attributes(cloud *hookcmd.CloudSpec) map[string]string {
	plain := make(map[string]string, len(cloud.Credential.Attributes))
	for key, value := range cloud.Credential.Attributes {
		plain[key] = value.Reveal()
	}
	return plain
}
