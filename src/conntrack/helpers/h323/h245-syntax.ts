import {
  bool,
  choice,
  digits,
  ends,
  int,
  nothing,
  octets,
  oid,
  passed,
  read,
  readSequenceOf,
  sequence,
  sequenceOf,
} from './syntax.ts';

/** ITU-T H.245: the opening of logical channels, as far as it is of use to find where media flow. */

const nonStandardParameter = sequence({
  nonStandardIdentifier: choice({
    object: oid,
    h221NonStandard: sequence({
      t35CountryCode: int(0, 255),
      t35Extension: int(0, 255),
      manufacturerCode: int(0, 65535),
    }),
  }),
  data: octets(),
});

const bools = (names: string) => Object.fromEntries(names.split(' ').map((name) => [name, bool]));
const BITRATE_MAX = 2 ** 32 - 1;

const mpegVideo = {
  'videoBitRate?': int(0, 1073741823),
  'vbvBufferSize?': int(0, 262143),
  'samplesPerLine?': int(0, 16383),
  'linesPerFrame?': int(0, 16383),
};

const videoCapability = choice(
  {
    nonStandard: nonStandardParameter,
    h261VideoCapability: sequence(
      {
        'qcifMPI?': int(1, 4),
        'cifMPI?': int(1, 4),
        temporalSpatialTradeOffCapability: bool,
        maxBitRate: int(1, 19200),
        stillImageTransmission: bool,
      },
      passed('videoBadMBsCap'),
    ),
    h262VideoCapability: sequence(
      {
        ...bools('SPatML MPatLL MPatML MPatH14 MPatHL SNRatLL SNRatML SpatialatH14 HPatML HPatH14 HPatHL'),
        ...mpegVideo,
        'framesPerSecond?': int(0, 15),
        'luminanceSampleRate?': int(0, BITRATE_MAX),
      },
      passed('videoBadMBsCap'),
    ),
    h263VideoCapability: sequence(
      {
        'sqcifMPI?': int(1, 32),
        'qcifMPI?': int(1, 32),
        'cifMPI?': int(1, 32),
        'cif4MPI?': int(1, 32),
        'cif16MPI?': int(1, 32),
        maxBitRate: int(1, 192400),
        ...bools('unrestrictedVector arithmeticCoding advancedPrediction pbFrames tradeOff'),
        'hrdB?': int(0, 524287),
        'bppMaxKb?': int(0, 65535),
      },
      passed(
        'slowSqcifMPI slowQcifMPI slowCifMPI slowCif4MPI slowCif16MPI errorCompensation enhancementLayerInfo h263Options',
      ),
    ),
    is11172VideoCapability: sequence(
      {
        constrainedBitstream: bool,
        ...mpegVideo,
        'pictureRate?': int(0, 15),
        'luminanceSampleRate?': int(0, BITRATE_MAX),
      },
      passed('videoBadMBsCap'),
    ),
  },
  passed('genericVideoCapability'),
);

const frames = int(1, 256);
const mpegAudio =
  'threeChannels21 threeChannels30 fourChannels2020 fourChannels22 fourChannels31 fiveChannels3020 fiveChannels32 lowFrequency multilingual';

const audioCapability = choice(
  {
    nonStandard: nonStandardParameter,
    g711Alaw64k: frames,
    g711Alaw56k: frames,
    g711Ulaw64k: frames,
    g711Ulaw56k: frames,
    g722At64k: frames,
    g722At56k: frames,
    g722At48k: frames,
    g7231: sequence({ maxAlSduAudioFrames: frames, silenceSuppression: bool }),
    g728: frames,
    g729: frames,
    g729AnnexA: frames,
    is11172AudioCapability: sequence(
      {
        ...bools('layer1 layer2 layer3 sampling32k sampling44k1 sampling48k singleChannel twoChannels'),
        bitRate: int(1, 448),
      },
      {},
    ),
    is13818AudioCapability: sequence(
      {
        ...bools('layer1 layer2 layer3 sampling16k sampling22k05 sampling24k sampling32k sampling44k1'),
        ...bools(`sampling48k singleChannel twoChannels ${mpegAudio}`),
        bitRate: int(1, 1130),
      },
      {},
    ),
  },
  passed(
    'g729wAnnexB g729AnnexAwAnnexB g7231AnnexC gsmFullRate gsmHalfRate gsmEnhancedFullRate generic g729Extensions',
  ),
);

const dataProtocolCapability = choice(
  {
    nonStandard: nonStandardParameter,
    v14buffered: nothing,
    v42lapm: nothing,
    hdlcFrameTunnelling: nothing,
    h310SeparateVCStack: nothing,
    h310SingleVCStack: nothing,
    transparent: nothing,
  },
  passed('segmentationAndReassembly hdlcFrameTunnelingwSAR v120 separateLANStack v76wCompression tcp udp'),
);

const t84Restricted = sequence(
  bools(
    'qcif cif ccir601Seq ccir601Prog hdtvSeq hdtvProg g3A g3B g4A g4B jbigA jbigB jbigC jbigD photoA photoB photoC photoD photoE',
  ),
  {},
);

const dataApplicationCapability = sequence(
  {
    application: read(
      choice(
        {
          nonStandard: nonStandardParameter,
          t120: read(dataProtocolCapability),
          dsmCc: dataProtocolCapability,
          userData: dataProtocolCapability,
          t84: sequence({
            t84Protocol: dataProtocolCapability,
            t84Profile: choice({ t84Unrestricted: nothing, t84Restricted }),
          }),
          t434: dataProtocolCapability,
          h224: dataProtocolCapability,
          nlpid: sequence({ nlpidProtocol: dataProtocolCapability, nlpidData: octets() }),
          dsvdControl: nothing,
          h222DataPartitioning: dataProtocolCapability,
        },
        passed('t30fax t140 t38fax genericDataCapability'),
      ),
    ),
    maxBitRate: int(0, BITRATE_MAX),
  },
  {},
);

const dataType = choice(
  {
    nonStandard: nonStandardParameter,
    nullData: nothing,
    videoData: videoCapability,
    audioData: audioCapability,
    data: read(dataApplicationCapability),
    encryptionData: choice({ nonStandard: nonStandardParameter, h233Encryption: nothing }, {}),
  },
  passed('h235Control h235Media multiplexedStream'),
);

const h222Parameters = sequence(
  {
    resourceID: int(0, 65535),
    subChannelID: int(0, 8191),
    'pcrPid?': int(0, 8191),
    'programDescriptors?': octets(),
    'streamDescriptors?': octets(),
  },
  {},
);

const h223Parameters = sequence(
  {
    adaptationLayerType: choice(
      {
        nonStandard: nonStandardParameter,
        al1Framed: nothing,
        al1NotFramed: nothing,
        al2WithoutSequenceNumbers: nothing,
        al2WithSequenceNumbers: nothing,
        al3: sequence({ controlFieldOctets: int(0, 2), sendBufferSize: int(0, 16777215) }),
      },
      passed('al1M al2M al3M'),
    ),
    segmentableFlag: bool,
  },
  {},
);

const v76Parameters = sequence(
  {
    hdlcParameters: sequence(
      {
        crcLength: choice({ crc8bit: nothing, crc16bit: nothing, crc32bit: nothing }, {}),
        n401: int(1, 4095),
        loopbackTestProcedure: bool,
      },
      {},
    ),
    suspendResume: choice({ none: nothing, withAddress: nothing, withoutAddress: nothing }, {}),
    uIH: bool,
    mode: choice(
      {
        eRM: sequence(
          {
            windowSize: int(1, 127),
            recovery: choice({ rej: nothing, sREJ: nothing, mSREJ: nothing }, {}),
          },
          {},
        ),
        uNERM: nothing,
      },
      {},
    ),
    v75Parameters: sequence({ audioHeaderPresent: bool }, {}),
  },
  {},
);

const port = int(0, 65535);

const transportAddress = choice(
  {
    unicastAddress: read(
      choice(
        {
          iPAddress: read(sequence({ network: read(octets(4)), tsapIdentifier: port }, {})),
          iPXAddress: sequence({ node: octets(6), netnum: octets(4), tsapIdentifier: octets(2) }, {}),
          iP6Address: read(sequence({ network: read(octets(16)), tsapIdentifier: port }, {})),
          netBios: octets(16),
          iPSourceRouteAddress: sequence(
            {
              routing: choice({ strict: nothing, loose: nothing }),
              network: octets(4),
              tsapIdentifier: port,
              route: sequenceOf(octets(4)),
            },
            {},
          ),
        },
        passed('nsap nonStandardAddress'),
      ),
    ),
    multicastAddress: choice(
      {
        iPAddress: sequence({ network: octets(4), tsapIdentifier: port }, {}),
        iP6Address: sequence({ network: octets(16), tsapIdentifier: port }, {}),
      },
      passed('nsap nonStandardAddress'),
    ),
  },
  {},
);

const h2250Parameters = sequence(
  {
    'nonStandard?': sequenceOf(nonStandardParameter),
    sessionID: int(0, 255),
    'associatedSessionID?': int(1, 255),
    'mediaChannel?': read(transportAddress),
    'mediaGuaranteedDelivery?': bool,
    'mediaControlChannel?': read(transportAddress),
    ...ends(
      'mediaControlGuaranteedDelivery? silenceSuppression? destination? dynamicRTPPayloadType? mediaPacketization?',
    ),
  },
  { ...ends('transportCapability redundancyEncoding'), ...passed('source') },
);

const channel = int(1, 65535);

const networkAccessParameters = sequence(
  {
    'distribution?': choice({ unicast: nothing, multicast: nothing }, {}),
    networkAddress: read(
      choice(
        {
          q2931Address: sequence(
            {
              address: choice({ internationalNumber: digits(1, 16), nsapAddress: octets(1, 20) }, {}),
              'subaddress?': octets(1, 20),
            },
            {},
          ),
          e164Address: digits(1, 128),
          localAreaAddress: read(transportAddress),
        },
        {},
      ),
    ),
    associateConference: bool,
    'externalReference?': octets(1, 255),
  },
  passed('t120SetupProcedure'),
);

export const openLogicalChannel = sequence(
  {
    forwardLogicalChannelNumber: channel,
    forwardLogicalChannelParameters: read(
      sequence(
        {
          'portNumber?': port,
          dataType: read(dataType),
          multiplexParameters: read(
            choice(
              {
                h222LogicalChannelParameters: h222Parameters,
                h223LogicalChannelParameters: h223Parameters,
                v76LogicalChannelParameters: v76Parameters,
              },
              { h2250LogicalChannelParameters: read(h2250Parameters), none: nothing },
            ),
          ),
        },
        passed('forwardLogicalChannelDependency replacementFor'),
      ),
    ),
    'reverseLogicalChannelParameters?': read(
      sequence(
        {
          dataType,
          'multiplexParameters?': read(
            choice(
              {
                h223LogicalChannelParameters: h223Parameters,
                v76LogicalChannelParameters: v76Parameters,
              },
              { h2250LogicalChannelParameters: read(h2250Parameters) },
            ),
          ),
        },
        passed('reverseLogicalChannelDependency replacementFor'),
      ),
    ),
  },
  { separateStack: read(networkAccessParameters), ...ends('encryptionSync') },
);

const openLogicalChannelAck = sequence(
  {
    forwardLogicalChannelNumber: channel,
    'reverseLogicalChannelParameters?': read(
      sequence(
        {
          reverseLogicalChannelNumber: channel,
          'portNumber?': port,
          'multiplexParameters?': read(
            choice(
              { h222LogicalChannelParameters: h222Parameters },
              { h2250LogicalChannelParameters: read(h2250Parameters) },
            ),
          ),
        },
        passed('replacementFor'),
      ),
    ),
  },
  {
    separateStack: read(networkAccessParameters),
    forwardMultiplexAckParameters: read(
      choice(
        {
          h2250LogicalChannelAckParameters: read(
            sequence(
              {
                'nonStandard?': sequenceOf(nonStandardParameter),
                'sessionID?': int(1, 255),
                'mediaChannel?': read(transportAddress),
                'mediaControlChannel?': read(transportAddress),
                'dynamicRTPPayloadType?': int(96, 127),
              },
              passed('flowControlToZero portNumber'),
            ),
          ),
        },
        {},
      ),
    ),
    ...ends('encryptionSync'),
  },
);

/** MultimediaSystemControlMessage. */
export const controlMessage = choice(
  {
    request: read(
      choice(
        {
          ...ends('nonStandard masterSlaveDetermination terminalCapabilitySet'),
          openLogicalChannel: read(openLogicalChannel),
          ...ends('closeLogicalChannel requestChannelClose multiplexEntrySend requestMultiplexEntry'),
          ...ends('requestMode roundTripDelayRequest maintenanceLoopRequest'),
        },
        ends('communicationModeRequest conferenceRequest multilinkRequest logicalChannelRateRequest'),
      ),
    ),
    response: read(
      choice(
        {
          ...ends('nonStandard masterSlaveDeterminationAck masterSlaveDeterminationReject'),
          ...ends('terminalCapabilitySetAck terminalCapabilitySetReject'),
          openLogicalChannelAck: read(openLogicalChannelAck),
          ...ends('openLogicalChannelReject closeLogicalChannelAck requestChannelCloseAck'),
          ...ends('requestChannelCloseReject multiplexEntrySendAck multiplexEntrySendReject'),
          ...ends('requestMultiplexEntryAck requestMultiplexEntryReject requestModeAck requestModeReject'),
          ...ends('roundTripDelayResponse maintenanceLoopAck maintenanceLoopReject'),
        },
        ends(
          'communicationModeResponse conferenceResponse multilinkResponse logicalChannelRateAcknowledge logicalChannelRateReject',
        ),
      ),
    ),
    ...ends('command indication'),
  },
  {},
);

/** Openings inside other messages (H323-UserInformation), each an open type. */
export const fastStart = readSequenceOf(openLogicalChannel, 30, true);
export const tunnelledControl = readSequenceOf(controlMessage, 4, true);
