import { fastStart, tunnelledControl } from './h245-syntax.ts';
import {
  bits,
  bool,
  choice,
  digits,
  ends,
  int,
  nothing,
  octets,
  oid,
  passed,
  passedOpen,
  read,
  readSequenceOf,
  type Syntax,
  sequence,
  sequenceOf,
  wide,
} from './syntax.ts';

/** ITU-T H.225.0: what endpoints of a call, and a gatekeeper, say to each other; and of H.235 what stands in it. */

const h221NonStandard = sequence(
  { t35CountryCode: int(0, 255), t35Extension: int(0, 255), manufacturerCode: int(0, 65535) },
  {},
);
const nonStandardParameter = sequence({
  nonStandardIdentifier: choice({ object: oid, h221NonStandard }, {}),
  data: octets(),
});

const port = int(0, 65535);

const transportAddress = choice(
  {
    ipAddress: read(sequence({ ip: read(octets(4)), port })),
    ipSourceRoute: sequence(
      {
        ip: octets(4),
        port,
        route: sequenceOf(octets(4)),
        routing: choice({ strict: nothing, loose: nothing }, {}),
      },
      {},
    ),
    ipxAddress: sequence({ node: octets(6), netnum: octets(4), port: octets(2) }),
    ip6Address: read(sequence({ ip: read(octets(16)), port }, {})),
    netBios: octets(16),
    nsap: octets(1, 20),
    nonStandardAddress: nonStandardParameter,
  },
  {},
);

const aliasAddress = choice(
  { dialedDigits: digits(1, 128), h323ID: wide(1, 256) },
  passed('urlID transportID emailID partyNumber mobileUIM'),
);

const vendorIdentifier = sequence(
  { vendor: h221NonStandard, 'productId?': octets(1, 256), 'versionId?': octets(1, 256) },
  {},
);

const capabilities = sequence(
  { 'nonStandardData?': nonStandardParameter },
  passed('dataRatesSupported supportedPrefixes'),
);

const endpointType = sequence(
  {
    'nonStandardData?': nonStandardParameter,
    'vendor?': vendorIdentifier,
    'gatekeeper?': sequence({ 'nonStandardData?': nonStandardParameter }, {}),
    'gateway?': sequence(
      {
        'protocol?': sequenceOf(
          choice(
            {
              nonStandardData: nonStandardParameter,
              h310: capabilities,
              h320: capabilities,
              h321: capabilities,
              h322: capabilities,
              h323: capabilities,
              h324: capabilities,
              voice: capabilities,
              t120Only: capabilities,
            },
            passed('nonStandardProtocol t38FaxAnnexbOnly'),
          ),
        ),
        'nonStandardData?': nonStandardParameter,
      },
      {},
    ),
    'mcu?': sequence({ 'nonStandardData?': nonStandardParameter }, passed('protocol')),
    'terminal?': sequence({ 'nonStandardData?': nonStandardParameter }, {}),
    mc: bool,
    undefinedNode: bool,
  },
  passed('set supportedTunnelledProtocols'),
);

const callType = choice({ pointToPoint: nothing, oneToN: nothing, nToOne: nothing, nToN: nothing }, {});

const setup = sequence(
  {
    protocolIdentifier: oid,
    'h245Address?': read(transportAddress),
    'sourceAddress?': sequenceOf(aliasAddress),
    sourceInfo: endpointType,
    'destinationAddress?': sequenceOf(aliasAddress),
    'destCallSignalAddress?': read(transportAddress),
    'destExtraCallInfo?': sequenceOf(aliasAddress),
    'destExtraCRV?': sequenceOf(int(0, 65535)),
    activeMC: bool,
    conferenceID: octets(16),
    conferenceGoal: choice(
      { create: nothing, join: nothing, invite: nothing },
      passed('capabilityNegotiation callIndependentSupplementaryService'),
    ),
    'callServices?': sequence(
      {
        ...Object.fromEntries(['932', '951', '952', '953', '955', '956', '957'].map((q) => [`q${q}`, bool])),
        q954Info: sequence({ conferenceCalling: bool, threePartyService: bool }, {}),
      },
      {},
    ),
    callType,
  },
  {
    sourceCallSignalAddress: read(transportAddress),
    ...passed('remoteExtensionAddress callIdentifier h245SecurityCapability tokens cryptoTokens'),
    fastStart: read(fastStart),
    ...passed('mediaWaitForConnect canOverlapSend'),
    ...ends('endpointIdentifier'),
    ...passed('multipleCalls maintainConnection connectionParameters language presentationIndicator'),
    ...passed('screeningIndicator serviceControl symmetricOperationRequired capacity circuitInfo'),
    ...passed('desiredProtocols neededFeatures desiredFeatures supportedFeatures parallelH245Control'),
    ...passed('additionalSourceAddresses'),
  },
);

/** What CallProceeding and Alerting have in common. */
function proceeding(laterAdditions: string): Syntax {
  return sequence(
    {
      protocolIdentifier: oid,
      destinationInfo: endpointType,
      'h245Address?': read(transportAddress),
    },
    {
      ...passed('callIdentifier h245SecurityMode tokens cryptoTokens'),
      fastStart: read(fastStart),
      ...passed(laterAdditions),
    },
  );
}

const connect = sequence(
  {
    protocolIdentifier: oid,
    'h245Address?': read(transportAddress),
    destinationInfo: endpointType,
    conferenceID: octets(16),
  },
  {
    ...passed('callIdentifier h245SecurityMode tokens cryptoTokens'),
    fastStart: read(fastStart),
    ...passed('multipleCalls maintainConnection language connectedAddress presentationIndicator'),
    ...passed('screeningIndicator fastConnectRefused serviceControl capacity featureSet'),
  },
);

const releaseComplete = sequence(
  {
    protocolIdentifier: oid,
    'reason?': choice(
      {
        noBandwidth: nothing,
        gatekeeperResources: nothing,
        unreachableDestination: nothing,
        destinationRejection: nothing,
        invalidRevision: nothing,
        noPermission: nothing,
        unreachableGatekeeper: nothing,
        gatewayResources: nothing,
        badFormatAddress: nothing,
        adaptiveBusy: nothing,
        inConf: nothing,
        undefinedReason: nothing,
      },
      passed(
        'facilityCallDeflection securityDenied calledPartyNotRegistered callerNotRegistered newConnectionNeeded nonStandardReason replaceWithConferenceInvite genericDataReason neededFeatureNotSupported tunnelledSignallingRejected',
      ),
    ),
  },
  passed(
    'callIdentifier tokens cryptoTokens busyAddress presentationIndicator screeningIndicator capacity serviceControl featureSet',
  ),
);

const facility = sequence(
  {
    protocolIdentifier: oid,
    'alternativeAddress?': read(transportAddress),
    'alternativeAliasAddress?': sequenceOf(aliasAddress),
    'conferenceID?': octets(16),
    reason: read(
      choice(
        {
          routeCallToGatekeeper: nothing,
          callForwarded: nothing,
          routeCallToMC: nothing,
          undefinedReason: nothing,
        },
        passed(
          'conferenceListChoice startH245 noH245 newTokens featureSetUpdate forwardedElements transportedInformation',
        ),
      ),
    ),
  },
  {
    ...passed('callIdentifier destExtraCallInfo remoteExtensionAddress tokens cryptoTokens conferences'),
    h245Address: read(transportAddress),
    fastStart: read(fastStart),
    ...passed('multipleCalls maintainConnection fastConnectRefused serviceControl circuitInfo featureSet'),
    ...passed('destinationInfo h245SecurityMode'),
  },
);

const securityServiceMode = choice(
  { nonStandard: nonStandardParameter, none: nothing, default: nothing },
  {},
);
const securityCapabilities = sequence(
  {
    'nonStandard?': nonStandardParameter,
    encryption: securityServiceMode,
    authenticaton: securityServiceMode,
    integrity: securityServiceMode,
  },
  {},
);

const timeStamp = int(1, 2 ** 32 - 1);
const clearToken = sequence(
  {
    tokenOID: oid,
    'timeStamp?': timeStamp,
    'password?': wide(1, 128),
    'dhkey?': sequence({ halfkey: bits(0, 2048), modSize: bits(0, 2048), generator: bits(0, 2048) }, {}),
    'challenge?': octets(8, 128),
    'random?': int(),
    'certificate?': sequence({ type: oid, certificate: octets() }, {}),
    'generalID?': wide(1, 128),
    'nonStandard?': sequence({ nonStandardIdentifier: oid, data: octets() }),
  },
  passed('eckasdhkey sendersID'),
);

const params = sequence({ 'ranInt?': int(), 'iv8?': octets(8) }, passed('iv16'));
const hashed = sequence({ algorithmOID: oid, paramS: params, hash: bits() });
const encryptedParts = { algorithmOID: oid, paramS: params, encryptedData: octets() };
const encrypted = sequence(encryptedParts);
const signed = sequence({ toBeSigned: passedOpen, algorithmOID: oid, paramS: params, signature: bits() });

const cryptoToken = choice(
  {
    cryptoEPPwdHash: sequence({ alias: aliasAddress, timeStamp, token: hashed }),
    cryptoGKPwdHash: sequence({ gatekeeperId: wide(1, 128), timeStamp, token: hashed }),
    cryptoEPPwdEncr: encrypted,
    cryptoGKPwdEncr: encrypted,
    cryptoEPCert: signed,
    cryptoGKCert: signed,
    cryptoFastStart: signed,
    nestedcryptoToken: choice(
      {
        cryptoEncryptedToken: sequence({ tokenOID: oid, token: encrypted }),
        cryptoSignedToken: sequence({ tokenOID: oid, token: signed }),
        cryptoHashedToken: sequence({ tokenOID: oid, hashedVals: clearToken, token: hashed }),
        cryptoPwdEncr: encrypted,
      },
      {},
    ),
  },
  {},
);

const progress = sequence(
  {
    protocolIdentifier: oid,
    destinationInfo: endpointType,
    'h245Address?': read(transportAddress),
    callIdentifier: sequence({ guid: octets(16) }, {}),
    'h245SecurityMode?': choice(
      {
        nonStandard: nonStandardParameter,
        noSecurity: nothing,
        tls: securityCapabilities,
        ipsec: securityCapabilities,
      },
      {},
    ),
    'tokens?': sequenceOf(clearToken),
    'cryptoTokens?': sequenceOf(cryptoToken),
    'fastStart?': read(fastStart),
  },
  passed('multipleCalls maintainConnection fastConnectRefused'),
);

const INFORMATION_ADDITIONS = 'callIdentifier tokens cryptoTokens fastStart fastConnectRefused circuitInfo';
const PROCEEDING_ADDITIONS = 'multipleCalls maintainConnection fastConnectRefused featureSet';
const ALERTING_ADDITIONS =
  'multipleCalls maintainConnection alertingAddress presentationIndicator screeningIndicator fastConnectRefused serviceControl capacity featureSet';

/** H323-UserInformation: what stands in the user-user element of Q.931. */
export const userInformation = sequence(
  {
    h323UuPdu: read(
      sequence(
        {
          messageBody: read(
            choice(
              {
                setup: read(setup),
                callProceeding: read(proceeding(PROCEEDING_ADDITIONS)),
                connect: read(connect),
                alerting: read(proceeding(ALERTING_ADDITIONS)),
                information: sequence({ protocolIdentifier: oid }, passed(INFORMATION_ADDITIONS)),
                releaseComplete,
                facility: read(facility),
              },
              { progress: read(progress), ...passed('empty status statusInquiry setupAcknowledge notify') },
            ),
          ),
          'nonStandardData?': nonStandardParameter,
        },
        {
          ...passed('h4501SupplementaryService h245Tunneling'),
          h245Control: read(tunnelledControl),
          ...ends('nonStandardControl callLinkage tunnelledSignallingMessage provisionalRespToH245Tunneling'),
          ...ends('stimulusControl genericData'),
        },
      ),
    ),
    ...ends('userData?'),
  },
  {},
);

const requestSeqNum = int(1, 65535);
const identifier = wide(1, 128);
const addresses = readSequenceOf(transportAddress, 10);
const rasAddress = read(transportAddress);
const gatekeeperMessage = {
  requestSeqNum,
  protocolIdentifier: oid,
  'nonStandardData?': nonStandardParameter,
};
const callModel = choice({ direct: nothing, gatekeeperRouted: nothing }, {});
const aliases = sequenceOf(aliasAddress);
const timeToLive = read(int(1, 2 ** 32 - 1));

const gatekeeperRequest = sequence(
  {
    ...gatekeeperMessage,
    rasAddress,
    ...ends('endpointType gatekeeperIdentifier? callServices? endpointAlias?'),
  },
  {},
);

const gatekeeperConfirm = sequence(
  { ...gatekeeperMessage, 'gatekeeperIdentifier?': identifier, rasAddress },
  ends('alternateGatekeeper'),
);

const registrationRequest = sequence(
  {
    ...gatekeeperMessage,
    discoveryComplete: bool,
    callSignalAddress: read(addresses),
    rasAddress: read(addresses),
    terminalType: endpointType,
    'terminalAlias?': aliases,
    'gatekeeperIdentifier?': identifier,
    endpointVendor: vendorIdentifier,
  },
  { ...passed('alternateEndpoints'), timeToLive, ...ends('tokens') },
);

const registrationConfirm = sequence(
  {
    ...gatekeeperMessage,
    callSignalAddress: read(addresses),
    'terminalAlias?': aliases,
    'gatekeeperIdentifier?': identifier,
    endpointIdentifier: identifier,
  },
  { ...passed('alternateGatekeeper'), timeToLive, ...ends('tokens') },
);

const unregistrationRequest = sequence(
  {
    requestSeqNum,
    callSignalAddress: read(addresses),
    ...ends('endpointAlias? nonStandardData? endpointIdentifier?'),
  },
  {},
);

const admissionRequest = sequence(
  {
    requestSeqNum,
    callType,
    'callModel?': callModel,
    endpointIdentifier: identifier,
    'destinationInfo?': aliases,
    'destCallSignalAddress?': read(transportAddress),
    'destExtraCallInfo?': aliases,
    srcInfo: aliases,
    'srcCallSignalAddress?': read(transportAddress),
    ...ends('bandWidth callReferenceValue nonStandardData? callServices?'),
  },
  {},
);

const admissionConfirm = sequence(
  {
    requestSeqNum,
    bandWidth: int(0, 2 ** 32 - 1),
    callModel,
    destCallSignalAddress: read(transportAddress),
    ...ends('irrFrequency? nonStandardData?'),
  },
  {},
);

const locationRequest = sequence(
  {
    requestSeqNum,
    'endpointIdentifier?': identifier,
    destinationInfo: aliases,
    'nonStandardData?': nonStandardParameter,
    replyAddress: read(transportAddress),
  },
  ends('sourceInfo'),
);

const locationConfirm = sequence(
  {
    requestSeqNum,
    callSignalAddress: read(transportAddress),
    rasAddress,
    ...ends('nonStandardData?'),
  },
  {},
);

const infoRequestResponse = sequence(
  {
    'nonStandardData?': nonStandardParameter,
    requestSeqNum,
    endpointType,
    endpointIdentifier: identifier,
    rasAddress,
    callSignalAddress: read(addresses),
    ...ends('endpointAlias? perCallInfo?'),
  },
  {},
);

/** RasMessage: between endpoint and gatekeeper. */
export const rasMessage = choice(
  {
    gatekeeperRequest: read(gatekeeperRequest),
    gatekeeperConfirm: read(gatekeeperConfirm),
    ...ends('gatekeeperReject'),
    registrationRequest: read(registrationRequest),
    registrationConfirm: read(registrationConfirm),
    ...ends('registrationReject'),
    unregistrationRequest: read(unregistrationRequest),
    ...ends('unregistrationConfirm unregistrationReject'),
    admissionRequest: read(admissionRequest),
    admissionConfirm: read(admissionConfirm),
    ...ends('admissionReject bandwidthRequest bandwidthConfirm bandwidthReject'),
    ...ends('disengageRequest disengageConfirm disengageReject'),
    locationRequest: read(locationRequest),
    locationConfirm: read(locationConfirm),
    ...ends('locationReject infoRequest'),
    infoRequestResponse: read(infoRequestResponse),
    ...ends('nonStandardMessage'),
  },
  ends(
    'unknownMessageResponse requestInProgress resourcesAvailableIndicate resourcesAvailableConfirm infoRequestAck infoRequestNak serviceControlIndication serviceControlResponse',
  ),
);
