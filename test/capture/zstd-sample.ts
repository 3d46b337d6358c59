/**
 * A pcap file of 300 packets as `zstd -19 --check` 1.5 wrote it, in base64: packet i is at second 1,700,000,000 + i
 * and microsecond i, and holds `packet number ${i} of the compressed capture; ` three times over.
 */
export const ZSTD_SAMPLE = [
  'KLUv/WTCri09AGpJcBAoEMBnODMwAzMwAzOwGo3vIJgMLkgppZQp6TnEkMgCDiSQQAIJJJBAYgEB/wD8ALVCBUqBwk+Y4BIkdIQI',
  '80KAkB88wA4c3AYNLAMGdcECqkDBJ0jgCBD0gQPTGjCQCxTABAjcnC3G9V5q7dfqlPb/rO65G895BwywAgTUAAEoAACvqOiJiY2I',
  'OOnhYTY0xIWFl5DQDg5WQUEaGPiAgK5U9t/ffD+/3NeH+fju3p7V06t5eRQP7+/u3M6u6+qm09HluTksJ3fj4iwcXH17o25u39bm',
  'bGy9tjabCBE1tZyWhtHQ7tmZNTOrZWWUjOzHxlxMrMPClAWWkTUmIRkblSuWkpLLSEjHx0bl0sWkksWjciojlyoca8xQTi5jNDJC',
  'BgFbLsYCCwMjAyMDEwsjZxClWrR8zZLFKxYsXa9cmdWKlUyrVMGUCpVLp0yxVIqUSqNEoRQKlKdPnjh14qRpkyaTMmGSf8kS/EqU',
  '3E+SxD4SJPWPHKFvxMh/kSL+RIj0DxkyX4iQ7EGCYAcC5PqPH9Z9+Kjeowd1Hjzed+xw16GjPUeO6Thw5L5xA7cNG7dr1LA9OVlb',
  'UpJ2ZOQ3DRrekN2Pj7NnzMjT0RFPGTLujBHDThgw6nzxgk4XLn62aOGTBYuey6Vy9pEjK1bkxkasQsVlZLQpUlQUKOiJE2/ChJco',
  '0SRIzDxiRBYhAocIcUGAsB8+VA8eaIcOv7joHDj0hg0Ta9CQM2TAGDDcCxesBQsBPmqUdVGiqocKRR0UqPdPn9w9eWrv1Gk6J065',
  'N23CrUnT7UyZbGPCVPvSJdqWLH1XquRNiVL3pEmzJUnKM1IkPCFBuvPRIzsdOaqzUSM6GTH6uWiRT0WKeiZKNKcjQpTzoUM4GzJ0',
  'c6FCNhMiVPOgQTQLEvQ5UCDPgAB1/vNnZj9+Mu7TB2M+fC7es8diPXoqzpOHYjx4Ht+549iOncZ16kxMh06+c+bgK0fOvXHi2AsH',
  'Tr1v3tDrxs3fNm38smHTd82aedWoyTZNGmzRoLn2zBlrzZiptkwZasmQeTtmjFsxYtqGCTMtGDC5fvmCqxcvt3bpYisXLrVu2UJr',
  'OSsq4pyYeDMios2HhzUbGtJcWPiZkNDz4GBnQcGZAwMzBgTEWKm8+O/PYj+/ivv6KObje7y351hPr3Fe3sR4ePne3eFrZ3dvXZ29',
  'dHT1zs3RKyf3Ny7OLxxc37e3ed3csm1rw5aN7dq1NWvV1KpNS6MWDe3t2ZlbM7O2ZWXTkpHlOjaGq5jYrWFhNgxsuSgLrNZfv2j1',
  '5etrr15eefHqumvXrLp0ZZorF6a4cF1665altmxVWqsWpbRoPZ01y6ksWU1jxZoUFqz8r17hd+XqfqtW9lmxqr9qFX1Vqv5TpfJH',
  'har/1Kn5pkxlL1UKOylSN4S0qAPkrCtk2H8D88tPwxoTFFAQSBBYQeAp8AIAg3//J1HqqXN7U9+cRyOftidvVdOr/sy1ff42Cjzq',
  'n7y1Tc598yfz2Nu88FR3cV4XfnrPXm63Z3GBc/3p20n06D97ad/cy4KP2iNvd9NT7+a0Pv42DjztXZ7VRs7985fT7Fle8FR/cW8T',
  'P7rHXu63t1LBcf7o21n09Ls9qc/cx9C+8WbdTmJX3czNdf5tHHjKvbyrjZz75y+n2bO84Kn+4t4mfnSPvdxvb6WC4/zRt7Po6Xd7',
  'Up+5lweftibPdqOn/s21bf4sDnjav7y1TI774y/n2dus8Ch/4t4ufnrNnuxnb+WCc73ps1no6X97ad2cxwOftidvN9Oj/sy1ff42',
  'Cjzqn7y1Tc598yfz2Nu88FR3cV4XfnrPXm63Z3GBc7f386NSyXF//OU8e5sVHuVP3NvFT6/Zk/3srVxwrjd9Ngs9/W8vrZvzeODT',
  '9uTtZnrUn7m2z99GgUf9k7e2yblv/mQee5sXnuouzuvCT+/Zy+32LC5wrj99O4ke/Wcv7Zt7WfBRe+Ttbnrq3ZzWx9/Ggae9y7Pa',
  'yLl//nKaPcsLnuov7m3iR/fYy/32Vio4zh99O4uefrcn9Zl7efBpa/JsN3rq31zb5s/igKf9y1vL5Lg//nKevc0Kj/In7u3ip9fs',
  'yX72Vi4415s+m4We/reX1s15PPBpe/J2Mz3qz1zb52+jwKP+yVvb5Nw3fzKPvc0LT3UX53Xhp/fs5d7DHwTPc6/OdaGn/+2ldXMe',
  'D3zanrzdTI/6M9f2+dtIikYXBy+MLu8dINa7WenbKfVxtTyk7E2VdTHlP1fZdso8UKneJ8VRWdGfq85z9VRQbI+qb5PyNVfaZ+px',
  'UHlvp4V5aOm+qWy7Mlyg1F/VJpOiP1eZb2pZqGjvx4pxaenbKfVxtTyk7E2VdTHlP1fZdso8UKneJ8VRWdGfq85z9VRQbI+qb5Py',
  'NVfaZ+pxUHlvp4V5aOm+qWy7Mlyg1F/VJpOiP1eZb2pZqGjvx4pxaenbKfVxtTyk7E2VdTHlP1fZdso8UKneJ8VRWdGfq85z9VRQ',
  'bI+qb5PyNVfaZ+pxUHlvp4V5aOm+qWy7Mlyg1F/VJpOiP1eZb2qZ1EWX6l3o792TcD4yuOl0i/lXQePGR4YzhptOsxh/HWje+GQ4',
  'IwkU3VM27qzBAbp2o8cwdAMGBqmM',
].join('');
