// SPDX-License-Identifier: Apache-2.0

package juju

import "errors"

var errTODO = errors.New("not yet")

func actionFail(c *call) error            { return errTODO }
func actionGet(c *call) error             { return errTODO }
func actionLog(c *call) error             { return errTODO }
func actionSet(c *call) error             { return errTODO }
func applicationVersionSet(c *call) error { return errTODO }
func closePort(c *call) error             { return errTODO }
func configGet(c *call) error             { return errTODO }
func credentialGet(c *call) error         { return errTODO }
func goalState(c *call) error             { return errTODO }
func isLeader(c *call) error              { return errTODO }
func jujuLog(c *call) error               { return errTODO }
func jujuReboot(c *call) error            { return errTODO }
func networkGet(c *call) error            { return errTODO }
func openPort(c *call) error              { return errTODO }
func openedPorts(c *call) error           { return errTODO }
func resourceGet(c *call) error           { return errTODO }
func secretAdd(c *call) error             { return errTODO }
func secretGet(c *call) error             { return errTODO }
func secretGrant(c *call) error           { return errTODO }
func secretIDs(c *call) error             { return errTODO }
func secretInfoGet(c *call) error         { return errTODO }
func secretRemoveCommand(c *call) error   { return errTODO }
func secretRevoke(c *call) error          { return errTODO }
func secretSet(c *call) error             { return errTODO }
func stateDelete(c *call) error           { return errTODO }
func stateGet(c *call) error              { return errTODO }
func stateSet(c *call) error              { return errTODO }
func statusGet(c *call) error             { return errTODO }
func statusSet(c *call) error             { return errTODO }
func storageAddCommand(c *call) error     { return errTODO }
func storageGet(c *call) error            { return errTODO }
func storageList(c *call) error           { return errTODO }
func unitGet(c *call) error               { return errTODO }
func leaderGet(c *call) error             { return errTODO }
func leaderSet(c *call) error             { return errTODO }
func payloadRegister(c *call) error       { return errTODO }
func payloadStatusSet(c *call) error      { return errTODO }
func payloadUnregister(c *call) error     { return errTODO }
func podSpecGet(c *call) error            { return errTODO }
func podSpecSet(c *call) error            { return errTODO }
func rawPodSpecGet(c *call) error         { return errTODO }
func rawPodSpecSet(c *call) error         { return errTODO }
